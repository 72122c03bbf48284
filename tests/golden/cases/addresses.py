"""Database URLs, drivers, passwords, and what does not go together with them."""

from __future__ import annotations

from tests.golden.cases.bases import MAIN, SERVER, main, server, url
from tests.golden.project import SECRET, Case

_PARTS = f"postgresql://app:{SECRET}@db.internal/main"

ADDRESSES = {
    "at sign in the password": Case(url(f"postgresql://app:{SECRET}@x@db.internal/main")),
    "slash in the user": Case(url(f"postgresql://app/x:{SECRET}@db.internal/main")),
    "no port in url": Case(url(f"postgresql://app:{SECRET}@db.internal:main/x")),
    "unknown driver in url": Case(url("postgressql://app@db.internal/main")),
    "sync driver in url": Case(url("postgresql+psycopg2://app@db.internal/main")),
    "unsupported database": Case(url("oracle://app@db.internal/main")),
    "unknown driver": Case({"myfy.toml": SERVER.replace("postgresql", "postgrse")}),
    "url without scheme": Case(url("db.internal/main")),
    "url is a password": Case(url(SECRET)),
    "secret in the query": Case(
        url(f"postgresql://app@db.internal/main?password={SECRET}"),
    ),
    "unknown sslmode": Case(url("postgresql://app@db.internal/main?sslmode=always")),
    "sslmode against tls": Case(url("postgresql://app@db.internal/main?sslmode=require", 'tls = "verify-full"\n')),
    "tls against sslmode": Case(url("postgresql://app@db.internal/main?sslmode=verify-full", 'tls = "require"\n')),
    "sqlite with two slashes": Case(url("sqlite://app.db")),
    "sqlite with two slashes and a folder": Case(url("sqlite://data/shop.db")),
    "sqlite with one slash": Case(url("sqlite:./data/shop.db")),
    "sqlite file uri": Case(url("sqlite+aiosqlite:///file:app.db?mode=ro")),
    "sqlite with a host": Case(main('host = "db.internal"')),
    "sqlite with a user": Case(main('username = "app"')),
    "password twice": Case(server(f'password = "{SECRET}"\npassword_file = "secret"')),
    "password beside the url's": Case(url(_PARTS, f'password = "{SECRET}"\n')),
    "tls prefer on mysql": Case(url("mysql://app@db.internal/main", 'tls = "prefer"\n')),
    "sslmode prefer on mysql": Case(url("mysql://app@db.internal/main?sslmode=prefer")),
    "options of another tool in the url": Case(
        url("postgresql://app@db.internal/main?sslmode=require&channel_binding=require&connection_limit=5")
    ),
    "tls in the words of mysql": Case(url("mysql://app@db.internal/main?ssl-mode=REQUIRED")),
    "authority without tls": Case(url("postgresql://app@db.internal/main", 'tls_ca = "ca.pem"\n')),
    "isolation level that sqlite lacks": Case(main('isolation_level = "READ COMMITTED"')),
    "date among the driver's arguments": Case(server("connect_args.statement_cache_size = 1979-05-27")),
    "tls key without certificate": Case(server('tls_key = "client.key"')),
    "empty address": Case({"myfy.toml": MAIN.replace("sqlite+aiosqlite:///./app.db", "")}),
}
