"""What loads and is worth a look: `config check` warns."""

from __future__ import annotations

from tests.golden.cases.bases import MAIN, main, server
from tests.golden.project import SECRET, Case

_POOLED = 'pooler = "pgbouncer"\n'

WARNINGS = {
    "no configuration": Case(),
    "connect time above pool time": Case(server("connect_timeout = 40.0")),
    "statement time above command time": Case(server("statement_timeout = 90.0")),
    "idle time above recycle time": Case(server("pool_recycle = 1\npool_pre_ping_idle = 2.0")),
    "busy time above command time": Case(main("sqlite.busy_timeout = 90.0")),
    "command time below busy time": Case(main("command_timeout = 4.0")),
    "statement time behind a pooler": Case(server(f"{_POOLED}statement_timeout = 5.0")),
    "autocommit behind a pooler": Case(server(f'{_POOLED}isolation_level = "AUTOCOMMIT"')),
    "discard behind a pooler": Case(server(f'{_POOLED}pool_reset_on_return = "discard"')),
    "statement cache behind a pooler": Case(server(f"{_POOLED}connect_args.statement_cache_size = 100")),
    "server settings behind a pooler": Case(
        server(f'{_POOLED}connect_args.server_settings = {{ work_mem = "1MB", timezone = "UTC" }}')
    ),
    "production without tls": Case(server('password = "${DB:-x}"'), environment="production"),
    "url drops a password": Case(
        {
            **server(f'password = "{SECRET}"'),
            "config/local.toml": '[data.profiles.main]\ndatabase_url = "postgresql://app@other.internal/main"\n',
        }
    ),
    "url in a variable drops a password": Case(
        server(f'password = "{SECRET}"'),
        variables={"MYFY_DATA_DATABASE_URL": "postgresql://app@other.internal/main"},
    ),
    "private profile with an address": Case({"myfy.toml": MAIN + MAIN.replace("main", "x-old")}),
    "environment that is nearly production": Case(
        {"myfy.toml": MAIN}, variables={"MYFY_DATA_ENVIRONMENT": "prodction"}
    ),
    "environment that is nearly test": Case({"myfy.toml": f'[data]\nenvironment = "tset"\n\n{MAIN}'}),
    "environment that is nearly live as argument": Case({"myfy.toml": MAIN}, environment="lvie"),
    "reference that is empty": Case(main('application_name = "${APP:-}"')),
}
