"""Keys that are unknown, that stand in the wrong place, or that are set twice."""

from __future__ import annotations

from tests.golden.cases.bases import MAIN, TWO, YAML, main, yaml
from tests.golden.project import SECRET, Case

KEYS = {
    "unknown key": Case(main("poll_size = 5")),
    "key with several meanings": Case(main("timeout = 5")),
    "unknown key in yaml": Case(yaml("poll_size: 5")),
    "unknown key near nothing": Case(main("flavour = 5")),
    "unknown key with a secret": Case(main(f'pasword = "{SECRET}"')),
    "unknown flat key": Case({"myfy.toml": f"[data]\npoll_size = 5\n\n{MAIN}"}),
    "unknown key of sqlite": Case(main("sqlite.bussy_timeout = 5")),
    "unknown key of a table header": Case(main("[data.profiles.main.sqlight]\nbusy_timeout = 5")),
    "unknown key of migrations in yaml": Case(yaml("migrations:\n        enable: true")),
    "profile as a flat table": Case({"myfy.toml": MAIN.replace("profiles.", "")}),
    "key outside data": Case({"myfy.toml": f"pool_size = 5\n\n{MAIN}"}),
    "key below data outside it": Case(
        {"myfy.toml": f'pool_size = 5\n\n[data]\ndefault = "main"\n\n{MAIN}'},
    ),
    "profiles outside data": Case({"myfy.toml": MAIN.replace("data.", "")}),
    "key outside data in yaml": Case(
        {"myfy.yaml": f"pool_size: 5\n{YAML}"},
    ),
    "data is text": Case({"myfy.toml": 'data = "main"\n'}),
    "data is text in yaml": Case({"myfy.yaml": "data: main\n"}),
    "profiles is a list": Case({"myfy.toml": '[data]\nprofiles = ["main"]\n'}),
    "profile is text": Case(
        {"myfy.toml": '[data.profiles]\nmain = "sqlite://"\n'},
    ),
    "duplicate key": Case(main("pool_size = 5\npool_size = 6")),
    "duplicate key with a secret": Case(main(f'[data.x-mine]\npassword = "{SECRET}"\npassword = "b"')),
    "duplicate table": Case(
        main("[data.profiles.other]\necho = true\n[data.profiles.main]\npool_size = 5"),
    ),
    "duplicate key in yaml": Case(yaml("pool_size: 5\n      pool_size: 6")),
    "duplicate table in yaml": Case(
        yaml("sqlite:\n        busy_timeout: 1\n      sqlite:\n        foreign_keys: false"),
    ),
    "flat key and profile key": Case({"myfy.toml": f"[data]\npool_size = 5\n\n{MAIN}pool_size = 6\n"}),
    "flat key without default": Case({"myfy.toml": f"[data]\npool_size = 5\n\n{TWO}"}),
    "flat key without default in yaml": Case(
        {"myfy.yaml": f"{YAML}    other:\n      database_url: sqlite://\n  pool_size: 5\n"}
    ),
    "table over scalar": Case(
        {
            "myfy.toml": f"{MAIN}execution_options.cache = 5\n",
            "config/local.toml": "[data.execution_options.cache]\nsize = 5\n",
        },
    ),
    "table over scalar in a profile": Case(
        {
            "myfy.toml": f"{MAIN}execution_options.cache = 5\n",
            "config/local.toml": "[data.profiles.main]\necho = true\nexecution_options.cache.size = 5\n",
        }
    ),
    "scalar over table": Case(
        {"myfy.toml": f"{MAIN}execution_options.cache.size = 5\n"},
        overrides={"execution_options.cache": 5},
    ),
    "unset of what nobody set": Case(
        {"myfy.toml": f"{MAIN}pool_size = 7\n", "config/local.toml": '[data.profiles.main]\nunset = ["pool_sise"]\n'}
    ),
    "unset near nothing": Case(main('unset = ["tls"]')),
    "yaml null": Case({**main("pool_size = 7"), "config/local.yaml": "data:\n  pool_size: null\n"}),
    "yaml null in the base file": Case(yaml("pool_size: null")),
    "yaml empty value": Case(yaml("application_name:")),
    "yaml custom tag": Case(yaml(f"password: !vault {SECRET}")),
    "yaml key is a number": Case(yaml("execution_options:\n        5: five")),
    "yaml key is true": Case(yaml("execution_options:\n        true: yes")),
}
