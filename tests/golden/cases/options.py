"""Engine options, options of the URL's query, and hosts."""

from __future__ import annotations

from tests.golden.cases.bases import main, server, url
from tests.golden.project import SECRET, Case

_SERVER = "postgresql://app@db.internal/main"

OPTIONS = {
    "engine option of ours": Case(main('engine_options.url = "sqlite://"')),
    "engine option with a key of its own": Case(main("engine_options.pool_size = 5")),
    "unknown engine option": Case(main("engine_options.query_cache_sise = 5")),
    "engine option that is no number": Case(main('engine_options.query_cache_size = "many"')),
    "engine option that is no boolean": Case(main('engine_options.enable_from_linting = "yes"')),
    "engine option that is no text": Case(main("engine_options.logging_name = 5")),
    "engine option that is a function": Case(main('engine_options.creator = "app:connect"')),
    "pool class in a file": Case(main('engine_options.poolclass = "NullPool"')),
    "server side cursors": Case(main("engine_options.server_side_cursors = true")),
    "query option twice": Case(url(f"{_SERVER}?target_session_attrs=any&target_session_attrs=primary")),
    "tls twice in the query": Case(url(f"{_SERVER}?sslmode=verify-full&ssl=disable")),
    "host before and behind the query": Case(url(f"{_SERVER}?host=a:5432&host=b:5432")),
    "empty host in the query": Case(url("postgresql://app@/main?host=a:5432,")),
    "hosts and ports that do not fit": Case(url("postgresql://app@/main?host=a,b,c&port=1,2")),
    "question mark in the user": Case(url(f"postgresql://app?x:{SECRET}@db.internal/main")),
    "at sign in the query": Case(url(f"postgresql://app:{SECRET}@db.internal/main?application_name=a@b")),
    "host in parts and in the query": Case(server('query = { host = "a,b" }')),
    "nul in a path": Case(url("sqlite+aiosqlite:///a\\u0000.db")),
    "host with user and password": Case(
        {"myfy.toml": f'[data.profiles.main]\ndriver = "postgresql"\nhost = "app:{SECRET}@db.internal"\n'}
    ),
    "host with port and database": Case(
        {"myfy.toml": '[data.profiles.main]\ndriver = "postgresql"\nhost = "db.internal:5432/main"\n'}
    ),
    "certificate in place of its path": Case(
        server('tls = "verify-full"\ntls_ca = "-----BEGIN CERTIFICATE-----\\nMII\\n-----END CERTIFICATE-----"')
    ),
    "another database": Case(url("mssql+aioodbc://app@db.internal/main")),
    "url in quotes": Case(url("'postgresql://app@db.internal/main'")),
}
