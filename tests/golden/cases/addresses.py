"""Database URLs, drivers, passwords, and what does not go together with them."""

from __future__ import annotations

from tests.golden.cases.bases import MAIN, SERVER, main, server, url
from tests.golden.project import SECRET, Case, edit

_PARTS = f"postgresql://app:{SECRET}@db.internal/main"

ADDRESSES = {
    "at sign in the password": Case(
        url(f"postgresql://app:{SECRET}@x@db.internal/main"), mend=edit(f"{SECRET}@x@", f"{SECRET}%40x@")
    ),
    "slash in the user": Case(url(f"postgresql://app/x:{SECRET}@db.internal/main"), mend=edit("app/x", "app%2Fx")),
    "no port in url": Case(
        url(f"postgresql://app:{SECRET}@db.internal:main/x"), mend=edit("internal:main", "internal:5432")
    ),
    "unknown driver in url": Case(url("postgressql://app@db.internal/main")),
    "sync driver in url": Case(url("postgresql+psycopg2://app@db.internal/main")),
    "unsupported database": Case(url("oracle://app@db.internal/main"), mend=edit("oracle", "postgresql+asyncpg")),
    "unknown driver": Case({"myfy.toml": SERVER.replace("postgresql", "postgrse")}),
    "url without scheme": Case(
        url("db.internal/main"), mend=edit("db.internal/main", "postgresql+asyncpg://user@host:5432/name")
    ),
    "url is a password": Case(url(SECRET)),
    "secret in the query": Case(
        url(f"postgresql://app@db.internal/main?password={SECRET}"),
        mend=edit(f'?password={SECRET}"', f'"\npassword = "{SECRET}"'),
    ),
    "unknown sslmode": Case(url("postgresql://app@db.internal/main?sslmode=always")),
    "sslmode against tls": Case(url("postgresql://app@db.internal/main?sslmode=require", 'tls = "verify-full"\n')),
    "sqlite with two slashes": Case(url("sqlite://app.db")),
    "sqlite file uri": Case(url("sqlite+aiosqlite:///file:app.db?mode=ro")),
    "sqlite with a host": Case(main('host = "db.internal"')),
    "sqlite with a user": Case(main('username = "app"')),
    "password twice": Case(server(f'password = "{SECRET}"\npassword_file = "secret"')),
    "password beside the url's": Case(url(_PARTS, f'password = "{SECRET}"\n')),
    "tls prefer on mysql": Case(url("mysql://app@db.internal/main", 'tls = "prefer"\n')),
    "sslmode prefer on mysql": Case(url("mysql://app@db.internal/main?sslmode=prefer")),
    "tls key without certificate": Case(server('tls_key = "client.key"')),
    "empty address": Case({"myfy.toml": MAIN.replace("sqlite+aiosqlite:///./app.db", "")}),
}
