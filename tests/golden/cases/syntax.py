"""Text that is no TOML or no YAML."""

from __future__ import annotations

from tests.golden.cases.bases import YAML, main, yaml
from tests.golden.project import SECRET, Case, edit

_UNQUOTED = edit(SECRET, f'"{SECRET}"')

SYNTAX = {
    "toml without quotes": Case(main(f"password = {SECRET}"), mend=_UNQUOTED),
    "toml quotes never closed": Case(main(f'application_name = "{SECRET}'), mend=edit(SECRET, f'{SECRET}"')),
    "toml line goes on": Case(main('application_name = "a"b"'), mend=edit('a"b', 'a\\"b')),
    "toml colon": Case(main("pool_size: 5"), mend=edit("size:", "size =")),
    "toml without equals": Case(main("pool_size 5"), mend=edit("size 5", "size = 5")),
    "toml value missing": Case(main("pool_size =")),
    "toml yes": Case(main("echo = yes")),
    "toml null": Case(main("pool_size = null")),
    "toml escape": Case(main('application_name = "C:\\app"'), mend=edit('"C:\\app"', "'C:\\app'")),
    "toml bracket missing": Case(main("[data.profiles.other\necho = true"), mend=edit("other", "main.x-mine]")),
    "toml no such date": Case(main("x-since = 2024-02-31"), mend=edit("2024-02-31", '"2024-02-31"')),
    "yaml tab": Case({"myfy.yaml": f"{YAML}\techo: true\n"}, mend=edit("\t", "      ", "myfy.yaml")),
    "yaml colon in text": Case(
        yaml(f"application_name: a: {SECRET}"), mend=edit(f"a: {SECRET}", f"'a: {SECRET}'", "myfy.yaml")
    ),
    "yaml quotes never closed": Case(
        yaml(f'application_name: "{SECRET}'), mend=edit(SECRET, f'{SECRET}"', "myfy.yaml")
    ),
    "yaml without space": Case(yaml("pool_size:5\n      echo: true"), mend=edit("size:5", "size: 5", "myfy.yaml")),
    "yaml at sign": Case(yaml(f"application_name: @{SECRET}"), mend=edit(f"@{SECRET}", f"'@{SECRET}'", "myfy.yaml")),
    "yaml bracket": Case(yaml("unset: [pool_size"), mend=edit("[pool_size", "[]", "myfy.yaml")),
    "yaml out of line": Case(yaml("echo: true\n     pool_size: 5"), mend=edit("     pool", "      pool", "myfy.yaml")),
    "yaml second document": Case(
        {"myfy.yaml": f"{YAML}---\ndata: {{}}\n"}, mend=edit("---\ndata: {}\n", "", "myfy.yaml")
    ),
    "yaml unknown alias": Case(yaml("application_name: *name"), mend=edit("*name", "'*name'", "myfy.yaml")),
    "yaml is a list": Case({"myfy.yaml": "- data\n"}, mend=edit("- data", "data: {}", "myfy.yaml")),
}
