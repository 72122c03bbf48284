"""Names of profiles, inheritance, and the default."""

from __future__ import annotations

from tests.golden.cases.bases import MAIN, TWO, YAML, main
from tests.golden.project import Case

_OTHER = '[data.profiles.other]\nextends = "main"\n'

PROFILES = {
    "unknown default": Case({"myfy.toml": f'[data]\ndefault = "mian"\n\n{TWO}'}),
    "unknown default near nothing": Case({"myfy.yaml": YAML.replace("data:\n", "data:\n  default: warehouse\n")}),
    "abstract default": Case({"myfy.toml": f'[data]\ndefault = "main"\n\n{MAIN}abstract = true\n{_OTHER}'}),
    "unknown parent": Case(main('[data.profiles.other]\nextends = "mian"')),
    "unknown parent near nothing": Case(
        main('[data.profiles.other]\ndatabase_url = "sqlite://"\nextends = "warehouse"')
    ),
    "parents in a circle": Case(
        {
            "myfy.toml": '[data.profiles.a]\nextends = "b"\n\n[data.profiles.b]\nextends = "a"\n'
            'database_url = "sqlite://"\n'
        }
    ),
    "parent of itself": Case(main('extends = "main"')),
    "too many generations": Case(
        {
            "myfy.toml": '[data]\ndefault = "p0"\n\n[data.profiles.p0]\ndatabase_url = "sqlite://"\n'
            + "".join(f'[data.profiles.p{n}]\nextends = "p{n - 1}"\n' for n in range(1, 17))
        },
    ),
    "tables too large for so many heirs": Case(
        {
            "myfy.toml": MAIN
            + f"execution_options.many = [{', '.join('1' for _ in range(40_000))}]\n"
            + "".join(f'[data.profiles.p{n}]\nextends = "main"\n' for n in range(6))
        }
    ),
    "flat key and templates only": Case({"myfy.toml": f"[data]\npool_size = 5\n\n{MAIN}abstract = true\n"}),
    "two profiles of one database": Case(
        {
            "myfy.toml": MAIN
            + 'migrations.directory = "migrations/main"\n[data.profiles.other]\n'
            + 'database_url = "sqlite+aiosqlite:///./app.db"\nmigrations.directory = "migrations/other"\n'
        }
    ),
    "two profiles of one database in yaml": Case(
        {
            "myfy.yaml": YAML + "    other:\n      database_url: sqlite+aiosqlite:///./app.db\n",
            "migrations/main/x": "",
            "migrations/other/x": "",
        }
    ),
    "two profiles of one database in tables": Case(
        {
            "myfy.toml": MAIN
            + '[data.profiles.other]\ndatabase_url = "sqlite+aiosqlite:///./app.db"\n'
            + '[data.profiles.other.migrations]\nmetadata = "app:metadata"\n',
            "migrations/main/x": "",
        }
    ),
    "names that collide": Case(
        {
            "myfy.toml": "[data.profiles.read-replica]\ndatabase_url = 'sqlite://'\n\n"
            "[data.profiles.read_replica]\ndatabase_url = 'sqlite://'\n"
        }
    ),
    "names that collide across files": Case(
        {
            "myfy.toml": MAIN.replace("main", "read-replica"),
            "config/local.toml": "[data.profiles.read_replica]\necho = true\n",
        }
    ),
    "bad profile name": Case({"myfy.toml": MAIN.replace("main", "Main")}),
    "bad profile name in yaml": Case({"myfy.yaml": YAML.replace("main", "'my profile'")}),
    "bad profile name with two underscores": Case({"myfy.toml": MAIN.replace("main", "read__replica")}),
    "no address": Case({"myfy.toml": "[data.profiles.main]\npool_size = 5\n"}),
    "no address in yaml": Case({"myfy.yaml": "data:\n  profiles:\n    main:\n      pool_size: 5\n"}),
    "no address of a parent": Case({"myfy.toml": f"[data.profiles.main]\nabstract = true\n{_OTHER}"}),
}
