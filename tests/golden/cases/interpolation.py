"""References to variables in files."""

from __future__ import annotations

from tests.golden.cases.bases import SERVER, main, server, url, yaml
from tests.golden.project import SECRET, Case

INTERPOLATION = {
    "variable not set": Case(server('password = "${DB_PASSWORD}"')),
    "variable empty": Case(server('password = "${DB_PASSWORD}"'), variables={"DB_PASSWORD": ""}),
    "variable not set in yaml": Case(yaml("application_name: ${APP}")),
    "two variables not set": Case(server('database = "${DB_NAME}_${DB_STAGE}"')),
    "variable required with a message": Case(server('password = "${DB_PASSWORD:?ask the DBA}"')),
    "reference never closed": Case(server('password = "${DB_PASSWORD"')),
    "reference to no name": Case(server('database = "${1st}"')),
    "reference in a reference": Case(server('database = "${A:-${B}}"')),
    "unsafe variable in a url": Case(
        url("postgresql://app:${DB_PASSWORD}@db.internal/main"),
        variables={"DB_PASSWORD": f"{SECRET}@/"},
    ),
    "unsafe user in a url": Case(
        url("postgresql://${DB_USER}@db.internal/main"),
        variables={"DB_USER": "domain/app"},
    ),
    "empty identity": Case({"myfy.toml": SERVER.replace("db.internal", "${DB_HOST:-}")}),
    "reference of the wrong type": Case(main('pool_size = "${POOL}"'), variables={"POOL": SECRET}),
    "reference out of range": Case(main('pool_size = "${POOL}"'), variables={"POOL": "0"}),
    "extends by reference": Case(main('[data.profiles.b]\nextends = "${PARENT:-main}"')),
    "secret in the default of a reference": Case(main(f'pool_size = "${{POOL:-{SECRET}}}"')),
}
