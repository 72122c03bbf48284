"""Variables of the process, of `.env` and of secret files."""

from __future__ import annotations

import os

from tests.golden.cases.bases import MAIN, TWO, main
from tests.golden.project import SECRET, Case

_SECRETS = f'[data]\nsecrets_dir = "secrets"\n\n{MAIN}'
_OVERLAY: dict[str, str | bytes] = {"myfy.toml": MAIN, "config/production.toml": ""}


def _env(name: str, value: str, **more: str) -> Case:
    return Case({"myfy.toml": TWO.replace("other", "read-replica")}, variables={name: value, **more})


VARIABLES = {
    "unknown variable": _env("MYFY_DATA_POOL_SISE", "7", MYFY_DATA_DEFAULT="main"),
    "unknown variable with a secret": _env("MYFY_DATA_PROFILES__MAIN__PASSWROD", SECRET),
    "unknown variable of a profile": _env("MYFY_DATA_PROFILES__MAIN__POOL_SISE", "7"),
    "unknown variable near nothing": _env("MYFY_DATA_FLAVOUR", "7"),
    "unknown profile in a variable": _env("MYFY_DATA_PROFILES__READ_REPLIKA__POOL_SIZE", "7"),
    "unknown profile in a variable near nothing": _env("MYFY_DATA_PROFILES__WAREHOUSE__POOL_SIZE", "7"),
    "too few underscores": _env("MYFY_DATA_PROFILES_READ_REPLICA_POOL_SIZE", "7"),
    "too many underscores": _env("MYFY_DATA_DEFAULT", "main", MYFY_DATA___POOL_SIZE="7"),
    "no setting in a variable": _env("MYFY_DATA_PROFILES__MAIN", "7"),
    "two variables for one key": _env(
        "MYFY_DATA_DEFAULT", "main", MYFY_DATA_POOL_SIZE="7", MYFY_DATA_PROFILES__MAIN__POOL_SIZE="8"
    ),
    "two databases in variables": Case(
        {},
        variables={
            "MYFY_DATA_DATABASE_URL": "sqlite:///a.db",
            "MYFY_DATA_PROFILES__ANALYTICS__DATABASE_URL": "sqlite:///b.db",
        },
    ),
    "one variable in two cases": _env("MYFY_DATA_DEFAULT", "main", MYFY_DATA_POOL_SIZE="7", myfy_data_pool_size="8"),
    "unknown default in a variable": _env("MYFY_DATA_DEFAULT", "mian"),
    "flat variable without default": _env("MYFY_DATA_POOL_SIZE", "7"),
    "empty variable": _env("MYFY_DATA_PROFILES__MAIN__DATABASE_URL", ""),
    "bad url in a variable": _env(
        "MYFY_DATA_PROFILES__MAIN__DATABASE_URL", f"postgers://app:{SECRET}@db.internal/main"
    ),
    "port in the url of a variable": Case(
        main(""),
        variables={"MYFY_DATA_DATABASE_URL": f"postgresql://app:{SECRET}@db.internal:x/main"},
    ),
    "workers that are no number": _env("WEB_CONCURRENCY", "many", MYFY_DATA_DEFAULT="main"),
    "misspelt environment": Case(_OVERLAY, variables={"MYFY_DATA_ENVIRONMENT": "prodution"}),
    "unknown environment": Case(_OVERLAY, variables={"MYFY_DATA_ENVIRONMENT": "qa"}),
    "environment local": Case(_OVERLAY, variables={"MYFY_DATA_ENVIRONMENT": "local"}),
    "environment with a space": Case(
        {**_OVERLAY, "config/on-prem.toml": ""}, variables={"MYFY_DATA_ENVIRONMENT": "on prem"}
    ),
    "misspelt environment as argument": Case(_OVERLAY, environment="prodution"),
    "misspelt environment in the base file": Case(
        {**_OVERLAY, "myfy.toml": f'[data]\nenvironment = "prodution"\n\n{MAIN}'}
    ),
    "misspelt environment in dotenv": Case({**_OVERLAY, ".env": "# ours\nMYFY_DATA_ENVIRONMENT=prodution\n"}),
    "environment in an overlay": Case(
        {"myfy.toml": f"[data]\n\n{MAIN}", "config/local.toml": '[data]\nenvironment = "development"\n'}
    ),
    "environment test in dotenv": Case(
        {"myfy.toml": MAIN, ".env": "MYFY_DATA_ENVIRONMENT=test\n"},
    ),
    "broken line in dotenv": Case({"myfy.toml": MAIN, ".env": f"A=1\nMYFY_DATA_PASSWORD='{SECRET}\n"}),
    "unknown variable in dotenv": Case({"myfy.toml": MAIN, ".env": "\nexport MYFY_DATA_POOL_SISE=7\n"}),
    "wrong type in dotenv": Case({"myfy.toml": MAIN, ".env": "MYFY_DATA_POOL_SIZE=many\n"}),
    "twice in dotenv": Case(
        {"myfy.toml": MAIN, ".env": "MYFY_DATA_POOL_SIZE=5\nMYFY_DATA_PROFILES__MAIN__POOL_SIZE=6\n"}
    ),
    "config in dotenv": Case({"myfy.toml": MAIN, ".env": "MYFY_DATA_CONFIG=other.toml\n"}),
    "env for environment": Case(_OVERLAY, variables={"MYFY_DATA_ENV": "production"}),
    "profile for default": _env("MYFY_DATA_PROFILE", "main"),
    "service link": Case(
        {"myfy.toml": MAIN},
        variables={"MYFY_DATA_SERVICE_HOST": "10.96.0.7", "MYFY_DATA_PORT": "tcp://10.96.0.7:5432"},
    ),
    "empty variable of a tuning key": Case({"myfy.toml": MAIN}, variables={"MYFY_DATA_POOL_SIZE": ""}),
    "json too deep in a variable": Case(
        main(""), variables={"MYFY_DATA_EXECUTION_OPTIONS": f'{{"a": {"[" * 70}{"]" * 70}}}'}
    ),
    "json key twice in a variable": Case(main(""), variables={"MYFY_DATA_EXECUTION_OPTIONS": '{"name": 1, "name": 2}'}),
    "no profile of this name in a variable": _env("MYFY_DATA_PROFILES__1ST__POOL_SIZE", "7"),
    "url in quotes in a variable": Case(
        {"myfy.toml": MAIN}, variables={"MYFY_DATA_DATABASE_URL": '"sqlite+aiosqlite:///./a.db"'}
    ),
    "variable that no shell filled in": _env(
        "MYFY_DATA_PROFILES__MAIN__DATABASE_URL", "$DATABASE_URL", DATABASE_URL="sqlite+aiosqlite:///./a.db"
    ),
    "variable in quotes that no shell filled in": _env(
        "MYFY_DATA_PROFILES__MAIN__DATABASE_URL", '"$DATABASE_URL"', DATABASE_URL="sqlite+aiosqlite:///./a.db"
    ),
    "variable that nothing filled in in dotenv": Case(
        {"myfy.toml": MAIN, ".env": "DATABASE_URL=sqlite:///./a.db\nMYFY_DATA_DATABASE_URL=${DATABASE_URL}\n"}
    ),
    "variable of another shell in a file": Case(
        {"myfy.toml": '[data.profiles.main]\ndatabase_url = "%DATABASE_URL%"\n'},
        variables={"DATABASE_URL": "sqlite+aiosqlite:///./a.db"},
    ),
    "timeout in a variable": _env("MYFY_DATA_PROFILES__MAIN__TIMEOUT", "7"),
    "path that is no path": Case({"myfy.toml": f'[data]\nsecrets_dir = "a\\u0000"\n\n{MAIN}'}),
    "secret file too large": Case({"myfy.toml": _SECRETS, "secrets/PASSWORD": "x" * 65537}),
    "secret files too large together": Case(
        {"myfy.toml": _SECRETS + "".join(f"[data.profiles.p{n}]\nextends = 'main'\n" for n in range(17))}
        | {f"secrets/PROFILES__P{n}__PASSWORD": "x" * 65000 for n in range(17)}
    ),
    "secrets file that is a pipe": Case(
        {"myfy.toml": _SECRETS, "secrets/x": ""}, prepare=lambda root: os.mkfifo(root / "secrets/PASSWORD")
    ),
    "secret file nearly ours": Case({"myfy.toml": _SECRETS, "secrets/passwrod": SECRET}),
    "secret file of another profile": Case({"myfy.toml": _SECRETS, "secrets/profiles__1st__password": SECRET}),
    "secret file that everybody may read": Case(
        {"myfy.toml": _SECRETS, "secrets/PASSWORD": SECRET},
        prepare=lambda root: (root / "secrets/PASSWORD").chmod(0o644),
    ),
    "no secrets directory": Case({"myfy.toml": _SECRETS}),
    "no secrets directory of a variable": Case(
        {"myfy.toml": MAIN}, variables={"MYFY_DATA_SECRETS_DIR": "<project>/secrets"}
    ),
    "secrets directory is a file": Case(
        {"myfy.toml": _SECRETS, "secrets": SECRET, "real/PASSWORD": SECRET},
    ),
    "secret file that leads out": Case(
        {"myfy.toml": _SECRETS, "secrets/x": "", "elsewhere": SECRET}, links={"secrets/PASSWORD": "../elsewhere"}
    ),
    "misspelt secret file": Case({"myfy.toml": _SECRETS, "secrets/MYFY_DATA_PASSWROD": SECRET}),
    "secret files twice": Case(
        {"myfy.toml": _SECRETS, "secrets/PASSWORD": SECRET, "secrets/MYFY_DATA_PASSWORD": SECRET}
    ),
    "secret file that is no text": Case(
        {"myfy.toml": _SECRETS, "secrets/PASSWORD": b"\xff\xfe" + SECRET.encode()},
    ),
}
