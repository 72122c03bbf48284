"""Files of passwords and certificates, which `config check` reads as the engines do."""

from __future__ import annotations

from tests.golden.cases.bases import server
from tests.golden.project import SECRET, Case

_PASSWORD = server('password_file = "secrets/db"')
_KEYS = server(
    'tls = "verify-full"\ntls_ca = "secrets/ca.crt"\ntls_cert = "secrets/own.crt"\ntls_key = "secrets/own.key"'
)

CREDENTIALS = {
    "provider that is no name": Case(server(f'credentials = "tell me {SECRET}"')),
    "no password file": Case(_PASSWORD),
    "password file nearly right": Case({**_PASSWORD, "secrets/bd": SECRET}),
    "empty password file": Case({**_PASSWORD, "secrets/db": "\n"}),
    "password file too large": Case({**_PASSWORD, "secrets/db": SECRET * 10_000}),
    "password file that is no text": Case({**_PASSWORD, "secrets/db": b"\xff\xfe" + SECRET.encode()}),
    "password file that is a directory": Case({**_PASSWORD, "secrets/db/password": SECRET}),
    "password file that everybody may read": Case(
        {**_PASSWORD, "secrets/db": SECRET}, prepare=lambda root: (root / "secrets/db").chmod(0o644)
    ),
    "no certificates": Case(_KEYS),
    "empty certificates": Case({**_KEYS, "secrets/ca.crt": "", "secrets/own.crt": "", "secrets/own.key": ""}),
    "certificate that is none": Case(
        {**_KEYS, "secrets/ca.crt": SECRET, "secrets/own.crt": "x", "secrets/own.key": "x"}
    ),
}
