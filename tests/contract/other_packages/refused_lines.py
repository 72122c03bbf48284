"""Lines beside a URL that an engine refuses: the URL, the line, the key that is told, and a part of the fix."""

from __future__ import annotations

POSTGRESQL, MYSQL, SQLITE = "postgresql://app@db.example/shop", "mysql://app@db.example/shop", "sqlite:///app.db"

REFUSED: list[tuple[str, str, str, str]] = [
    (POSTGRESQL, 'tls_ca = "ca.pem"', "tls_ca", 'tls = "verify-full"'),
    (
        f"{POSTGRESQL}?sslmode=require",
        'tls_ca = "ca.pem"',
        "tls_ca",
        'sslmode out of the URL, and write: tls = "verify-full"',
    ),
    (f"{POSTGRESQL}?sslmode=require", 'tls = "disable"', "tls", 'tls = "require"'),
    (f"{POSTGRESQL}?sslmode=disable", 'tls = "verify-full"', "tls", "take sslmode out of the URL"),
    (MYSQL, 'tls = "prefer"', "tls", 'tls = "require"'),
    (f"{MYSQL}?sslmode=prefer", "", "database_url", 'take sslmode out of the URL, and write: tls = "require"'),
    (POSTGRESQL, 'isolation_level = "READ UNCOMMITTED"', "isolation_level", 'isolation_level = "READ COMMITTED"'),
    (SQLITE, 'isolation_level = "REPEATABLE READ"', "isolation_level", "delete this line"),
    (
        POSTGRESQL,
        'execution_options = { isolation_level = "SNAPSHOT" }',
        "execution_options.isolation_level",
        "SERIALIZABLE",
    ),
    (
        SQLITE,
        'execution_options = { isolation_level = "READ COMMITTED" }',
        "execution_options.isolation_level",
        "delete",
    ),
    (SQLITE, 'tls = "require"', "tls", "delete this line"),
    (SQLITE, 'pool_reset_on_return = "discard"', "pool_reset_on_return", "delete this line"),
    (MYSQL, 'pooler = "pgbouncer"', "pooler", 'pooler = "none"'),
    (
        POSTGRESQL,
        "connect_args = { timeout = 5 }",
        "connect_args.timeout",
        "delete timeout, and write: connect_timeout = 5.0",
    ),
    (POSTGRESQL, 'connect_args = { ssl = "require" }', "connect_args.ssl", 'delete ssl, and write: tls = "require"'),
    (POSTGRESQL, "connect_args = { ssl = true }", "connect_args.ssl", 'tls = "verify-full"'),
    (MYSQL, 'connect_args = { ssl = { ca = "ca.pem" } }', "connect_args.ssl", 'tls = "verify-full"'),
    (POSTGRESQL, "connect_args = { statement_cache_size = 1979-05-27 }", "connect_args.statement_cache_size", "100"),
    (POSTGRESQL, 'connect_args = { statement_cache_size = "50" }', "connect_args.statement_cache_size", "= 50"),
    (
        POSTGRESQL,
        "connect_args = { server_settings = { jit = false } }",
        "connect_args.server_settings.jit",
        'jit = "off"',
    ),
    (
        POSTGRESQL,
        "connect_args = { server_settings = 1979-05-27 }",
        "connect_args.server_settings",
        "server_settings = {}",
    ),
    (POSTGRESQL, 'connect_args = { direct_tls = "yes" }', "connect_args.direct_tls", "direct_tls = true"),
    (POSTGRESQL, "connect_args = { direct_tls = true }", "connect_args.direct_tls", 'tls = "require"'),
    (POSTGRESQL, 'connect_args = { gsslib = "heimdal" }', "connect_args.gsslib", "gssapi"),
    (POSTGRESQL, 'connect_args = { record_class = "Record" }', "connect_args.record_class", "delete record_class"),
    (MYSQL, 'connect_args = { charset = "klingon" }', "connect_args.charset", 'charset = "utf8mb4"'),
    (MYSQL, "connect_args = { init_command = 1979-05-27 }", "connect_args.init_command", "delete init_command"),
    (MYSQL, 'connect_args = { sql_mode = ["ANSI", "NO_ZERO_DATE"] }', "connect_args.sql_mode", '"ANSI,NO_ZERO_DATE"'),
    (MYSQL, "connect_args = { local_infile = true }", "connect_args.local_infile", "delete local_infile"),
    (SQLITE, "connect_args = { detect_types = 7 }", "connect_args.detect_types", "detect_types = 0"),
    (SQLITE, "connect_args = { cached_statements = -1 }", "connect_args.cached_statements", "cached_statements = 100"),
    (
        SQLITE,
        "engine_options = { native_inet_types = true }",
        "engine_options.native_inet_types",
        "delete native_inet_types",
    ),
    (POSTGRESQL, 'engine_options = { paramstyle = "qmark" }', "engine_options.paramstyle", "delete paramstyle"),
    (POSTGRESQL, "engine_options = { plugins = 5 }", "engine_options.plugins", "delete plugins"),
    (
        POSTGRESQL,
        "engine_options = { compiler_linting = 1979-05-27 }",
        "engine_options.compiler_linting",
        "delete compiler_linting",
    ),
    (POSTGRESQL, 'query = { sslmode = "require" }', "query.sslmode", 'delete sslmode, and write: tls = "require"'),
]
