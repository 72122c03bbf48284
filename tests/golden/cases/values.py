"""Values of the wrong type, out of range, or none of the choices."""

from __future__ import annotations

from tests.golden.cases.bases import MAIN, main, server, url, yaml
from tests.golden.project import SECRET, Case

VALUES = {
    "number as text": Case(main('pool_size = "20"')),
    "number as text in yaml": Case(yaml("pool_size: '20'")),
    "number as words": Case(main('pool_size = "many"')),
    "number with a fraction": Case(main("pool_size = 5.5")),
    "number as boolean": Case(main("pool_timeout = true")),
    "number as list": Case(main("pool_size = [5]")),
    "number is infinite": Case(main("pool_timeout = inf")),
    "number as date": Case(main("pool_size = 2024-01-01")),
    "boolean as text": Case(main('echo = "no"')),
    "boolean of yaml 1.1": Case(yaml("echo: yes")),
    "boolean as number": Case(main("echo = 1")),
    "text as number": Case(server("database = 5")),
    "text as boolean in yaml": Case(yaml("application_name: true")),
    "password as number": Case(server("password = 31337")),
    "table as text": Case(main('sqlite = "wal"')),
    "free table as list": Case(main("connect_args = [1]")),
    "covered wrong value": Case(
        {"myfy.toml": f"{MAIN}pool_size = 5\n", "config/local.toml": '[data]\npool_size = "6"\n'}
    ),
    "too small": Case(main("pool_size = 0")),
    "zero seconds": Case(main("pool_timeout = 0")),
    "below minus one": Case(main("max_overflow = -2")),
    "port too large": Case(server("port = 70000")),
    "version table empty": Case(main('migrations.version_table = ""')),
    "no such choice": Case(main('tls = "required"')),
    "no such choice in yaml": Case(yaml("pool_reset_on_return: roll-back")),
    "no such choice of sqlite": Case(main('sqlite.journal_mode = "WAL2"')),
    "environments as text": Case(main('seeds.environments = "development"')),
    "many problems": Case(main('pool_sise = 5\necho = "no"\npool_timeout = 0\n[data.profiles.b]\nextends = "man"')),
    "wrong type beside a rule between settings": Case(
        url("postgresql://app@db.internal/main?pgbouncer=true", 'echo = "no"\ntls_ca = "ca.pem"\nport = "5432"\n')
    ),
    "wrong type in one profile and a rule in the other": Case(
        main('pool_size = "many"\n[data.profiles.b]\nextends = "main"\nhost = "db.internal"')
    ),
    "default is a number": Case({"myfy.toml": f"[data]\ndefault = 5\n\n{MAIN}"}),
    "extends is a list": Case(main('extends = ["main"]')),
    "abstract is text": Case(main('abstract = "yes"\n[data.profiles.b]\ndatabase_url = "sqlite://"')),
    "unset is text": Case(
        {
            "myfy.toml": f"{MAIN}pool_recycle = 7\n",
            "config/local.toml": '[data.profiles.main]\nunset = "pool_recycle"\n',
        }
    ),
    "wrong type in a variable": Case(main(""), variables={"MYFY_DATA_POOL_SIZE": "many"}),
    "out of range in a variable": Case(main(""), variables={"MYFY_DATA_POOL_SIZE": "0"}),
    "wrong boolean in a variable": Case(main(""), variables={"MYFY_DATA_PROFILES__MAIN__ECHO": "perhaps"}),
    "no json in a variable": Case(main(""), variables={"MYFY_DATA_EXECUTION_OPTIONS": f"password={SECRET}"}),
    "json of the wrong kind in a variable": Case(main(""), variables={"MYFY_DATA_EXECUTION_OPTIONS": "[1]"}),
    "no such choice in a variable": Case(main(""), variables={"MYFY_DATA_TLS": "verify"}),
    "wrong type by set": Case(main(""), sets=("pool_size=many",)),
    "set without value": Case(main(""), sets=("pool_size",)),
    "unknown key by set": Case(main(""), sets=("poll_size=5",)),
    "set twice": Case(main(""), sets=("pool_size=5", "profiles.main.pool_size=6")),
    "wrong type in overrides": Case(main(""), overrides={"pool_size": "many"}),
    "unknown key in overrides": Case(main(""), overrides={"profiles": {"main": {"poll_size": 5}}}),
    "twice in overrides": Case(main(""), overrides={"pool_size": 5, "profiles.main.pool_size": 6}),
    "profile in overrides": Case(main(""), overrides={"profiles.main": 7}),
    "more problems than are told": Case(main("\n".join(f"x{n} = 1" for n in range(101)))),
    "environment in overrides": Case({"myfy.toml": MAIN}, overrides={"environment": "production"}),
    "secret of the wrong type in a file": Case(
        {"myfy.toml": f'[data]\nsecrets_dir = "secrets"\n\n{MAIN}', "secrets/MYFY_DATA_POOL_SIZE": SECRET}
    ),
}
