"""Files that are missing, too many, or not readable as text."""

from __future__ import annotations

import os

from tests.golden.cases.bases import MAIN, YAML
from tests.golden.project import SECRET, Case

FILES = {
    "misspelt explicit file": Case({"myfy.toml": MAIN}, explicit=("myfi.toml",)),
    "misspelt file of the config variable": Case(
        {"myfy.toml": MAIN}, variables={"MYFY_DATA_CONFIG": "<project>/myfi.toml"}
    ),
    "no directory to start from": Case({"myfy.toml": MAIN}, start="app.py"),
    "pipe in place of a file": Case(prepare=lambda root: os.mkfifo(root / "myfy.toml")),
    "table that is nearly ours": Case({"myfy.toml": MAIN.replace("data.", "dat.")}),
    "directory that everybody may write": Case({"myfy.toml": MAIN}, prepare=lambda root: root.chmod(0o777)),
    "link of config to nowhere": Case({"myfy.toml": MAIN}, links={"config": "shared"}),
    "two formats of the base file": Case({"myfy.toml": MAIN, "myfy.yaml": YAML}),
    "two formats of an overlay": Case({"myfy.toml": MAIN, "config/local.toml": "", "config/local.yaml": ""}),
    "overlay without a base file": Case({"config/production.toml": "[data]\npool_size = 5\n"}),
    "missing explicit file": Case(explicit=("other.toml",)),
    "missing file of the config variable": Case(variables={"MYFY_DATA_CONFIG": "<project>/other.toml"}),
    "link to nowhere": Case(links={"myfy.toml": "shared.toml"}),
    "link to itself": Case(links={"myfy.toml": "myfy.toml"}),
    "directory as a file": Case({"myfy.toml/myfy.toml": MAIN}),
    "explicit file of another format": Case({"myfy.ini": "[data]\n"}, explicit=("myfy.ini",)),
    "utf-16": Case({"myfy.toml": MAIN.encode("utf-16")}),
    "byte that is not utf-8": Case({"myfy.toml": MAIN.encode() + b'password = "' + SECRET.encode() + b'\xe4"\n'}),
    "nul character": Case({"myfy.toml": f'{MAIN}application_name = "a\0"\n'}),
    "control character": Case({"myfy.toml": f'{MAIN}application_name = "a\x1b"\n'}),
    "control character in yaml": Case({"myfy.yaml": f'{YAML}      application_name: "a\x1b"\n'}),
    "too large": Case({"myfy.toml": f"{'#' * 1023}\n" * 4097}),
    "too deep": Case({"myfy.toml": f"{MAIN}connect_args.a = {'[' * 65}{']' * 65}\n"}),
    "too deep in yaml": Case({"myfy.yaml": f"{YAML}      connect_args: {'[' * 65}{']' * 65}\n"}),
    "alias bomb": Case(
        {
            "myfy.yaml": "a: &a0 [x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
        },
    ),
}
