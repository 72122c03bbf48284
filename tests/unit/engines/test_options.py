"""What an engine is opened with: pure, complete, and refusing what would break a promise."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from sqlalchemy import NullPool, StaticPool

from myfy_data.engines.factory import open_engine
from myfy_data.engines.options import EngineOptions, build_engine_options
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.errors import ConfigError
from myfy_data.settings.database_settings import DatabaseSettings

POSTGRESQL = "postgresql://app:secret@db.internal:6432/main"
MYSQL = "mysql://app:secret@db.internal/main"
SQLITE = "sqlite:////srv/app.db"


def options(url: str = POSTGRESQL, **settings: Any) -> EngineOptions:
    return build_engine_options("main", DatabaseSettings(database_url=url, **settings))


def problems(url: str = POSTGRESQL, **settings: Any) -> str:
    """The text of the error that these settings raise."""
    with pytest.raises(ConfigError) as caught:
        options(url, **settings)
    return str(caught.value)


# -- identity --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (POSTGRESQL, "postgresql+asyncpg://app@db.internal:6432/main"),
        ("mariadb://app:secret@db/main?charset=utf8mb4", "mariadb+aiomysql://app@db/main"),
        (SQLITE, "sqlite+aiosqlite:////srv/app.db"),
    ],
)
def test_sqlalchemy_gets_a_url_without_password_and_query(url: str, expected: str) -> None:
    assert options(url).url.render_as_string(hide_password=False) == expected


@pytest.mark.parametrize("url", [POSTGRESQL, MYSQL])
def test_the_password_is_nowhere_in_the_options(url: str) -> None:
    assert "secret" not in repr(options(url, password="secret"))


def test_asyncpg_is_told_where_to_connect() -> None:
    driver = options().driver

    assert {key: driver[key] for key in ("host", "port", "user", "database")} == {
        "host": "db.internal",
        "port": 6432,
        "user": "app",
        "database": "main",
    }


@pytest.mark.parametrize(
    ("query", "host", "port"),
    [
        ("host=/run/postgresql", "/run/postgresql", None),
        ("host=a:5433", "a", 5433),
        ("host=a:5433,b", ["a", "b"], [5433, 5432]),
    ],
)
def test_asyncpg_takes_hosts_from_the_query(query: str, host: object, port: object) -> None:
    driver = options(f"postgresql://app@/main?{query}").driver

    assert (driver["host"], driver["port"]) == (host, port)


def test_aiomysql_is_told_where_to_connect_and_speaks_all_languages() -> None:
    driver = options(MYSQL, application_name="billing").driver

    assert driver == {
        "host": "db.internal",
        "port": 3306,
        "user": "app",
        "db": "main",
        "charset": "utf8mb4",
        "client_flag": 2 | 0x800000,  # count the rows found, tell how the session changed
        "program_name": "billing",
    }


# -- the pool and the engine -----------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_contract() -> None:
    assert options().engine == {
        "poolclass": BoundedPool,
        "pool_size": 5,
        "max_overflow": 10,
        "pool_timeout": 30.0,
        "pool_recycle": 3600,
        "pool_reset_on_return": "rollback",
        "echo": False,
        "echo_pool": False,
        "hide_parameters": True,
    }


@pytest.mark.parametrize(
    ("settings", "key", "value"),
    [
        ({"pool_size": 20}, "pool_size", 20),
        ({"max_overflow": -1}, "max_overflow", -1),
        ({"pool_timeout": 1.5}, "pool_timeout", 1.5),
        ({"pool_recycle": -1}, "pool_recycle", -1),
        ({"pool_reset_on_return": "none"}, "pool_reset_on_return", None),
        ({"pool_reset_on_return": "commit"}, "pool_reset_on_return", "commit"),
        ({"pool_reset_on_return": "discard"}, "pool_reset_on_return", None),
        ({"echo": True}, "echo", True),
        ({"echo_pool": True}, "echo_pool", True),
        ({"hide_parameters": False}, "hide_parameters", False),
        ({"isolation_level": "SERIALIZABLE"}, "isolation_level", "SERIALIZABLE"),
        ({"execution_options": {"yield_per": 5}}, "execution_options", {"yield_per": 5}),
        ({"engine_options": {"pool_use_lifo": True}}, "pool_use_lifo", True),
        ({"engine_options": {"query_cache_size": 5}}, "query_cache_size", 5),
    ],
)
def test_a_setting_reaches_the_engine(settings: dict[str, Any], key: str, value: object) -> None:
    assert options(**settings).engine[key] == value


def test_a_database_in_memory_lives_on_one_connection() -> None:
    engine = options("sqlite://", pool_size=20).engine

    assert (engine["pool_size"], engine["max_overflow"], engine["pool_recycle"]) == (1, 0, -1)


def test_a_pool_of_none_takes_no_sizes() -> None:
    engine = options(engine_options={"poolclass": NullPool}).engine

    assert engine["poolclass"] is NullPool
    assert "pool_size" not in engine


@pytest.mark.parametrize("url", [POSTGRESQL, MYSQL, SQLITE, "sqlite://"])
def test_sqlalchemy_accepts_the_options(url: str) -> None:
    engine = open_engine("main", DatabaseSettings(database_url=url, engine_options={"pool_logging_name": "main"}))

    assert isinstance(engine.pool, BoundedPool)


# -- what connections are told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "server"),
    [
        ({}, None),
        ({"application_name": "billing"}, {"application_name": "billing"}),
        ({"statement_timeout": 1.5}, {"statement_timeout": "1500"}),
        ({"statement_timeout": 0.0001}, {"statement_timeout": "1"}),
        ({"read_only": True}, {"default_transaction_read_only": "on"}),
        ({"connect_args": {"server_settings": {"jit": "off"}}}, {"jit": "off"}),
        ({"pooler": "pgbouncer", "read_only": True, "application_name": "billing"}, {"application_name": "billing"}),
    ],
)
def test_postgresql_is_told_at_start_up(settings: dict[str, Any], server: dict[str, str] | None) -> None:
    assert options(**settings).driver.get("server_settings") == server


def test_prepared_statements_of_a_real_application_fit() -> None:
    assert options().driver["prepared_statement_cache_size"] == 1000


def test_the_query_may_size_the_statement_cache() -> None:
    driver = options(f"{POSTGRESQL}?prepared_statement_cache_size=50").driver

    assert driver["prepared_statement_cache_size"] == 50


def test_pgbouncer_gets_nothing_prepared() -> None:
    driver = options(pooler="pgbouncer").driver

    assert driver["statement_cache_size"] == driver["prepared_statement_cache_size"] == 0
    assert driver["prepared_statement_name_func"]() == ""


def test_nothing_stays_prepared_where_everything_is_discarded() -> None:
    driver = options(pool_reset_on_return="discard").driver

    assert driver["statement_cache_size"] == driver["prepared_statement_cache_size"] == 0
    assert driver["prepared_statement_name_func"]() == ""


def test_behind_pgbouncer_read_only_is_said_in_each_transaction() -> None:
    assert options(pooler="pgbouncer", read_only=True).engine["execution_options"] == {"postgresql_readonly": True}


def test_every_statement_on_postgresql_has_its_time() -> None:
    assert options(command_timeout=7.5).driver["command_timeout"] == 7.5


# -- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["url", "creator", "async_creator", "module", "pool", "pool_pre_ping", "_initialize"])
def test_an_option_that_would_break_a_promise_is_refused(key: str) -> None:
    text = problems(engine_options={key: "anything"})

    assert f"profiles.main.engine_options.{key}: " in text
    assert f"fix: delete {key}" in text or f"move {key} out" in text


def test_an_option_with_a_key_of_its_own_is_sent_there() -> None:
    assert "fix: move pool_size out of engine_options" in problems(engine_options={"pool_size": 3})


def test_an_option_that_sqlalchemy_does_not_know_is_named() -> None:
    settings = DatabaseSettings(database_url=SQLITE, engine_options={"pool_use_fifo": True})

    with pytest.raises(ConfigError, match=r"profiles\.main\.engine_options\.pool_use_fifo: SQLAlchemy knows no"):
        open_engine("main", settings)


@pytest.mark.parametrize(
    ("url", "pool_class"), [(POSTGRESQL, "NullPool"), (POSTGRESQL, StaticPool), ("sqlite://", NullPool)]
)
def test_a_pool_that_would_break_a_promise_is_refused(url: str, pool_class: object) -> None:
    assert "profiles.main.engine_options.poolclass" in problems(url, engine_options={"poolclass": pool_class})


@pytest.mark.parametrize("key", ["password", "passfile", "dsn", "host", "loop", "timeout", "command_timeout"])
def test_asyncpg_gets_no_argument_behind_our_back(key: str) -> None:
    assert f"profiles.main.connect_args.{key}: " in problems(connect_args={key: "anything"})


@pytest.mark.parametrize("key", ["local_infile", "client_flag", "read_default_file", "password", "autocommit"])
def test_aiomysql_gets_no_argument_behind_our_back(key: str) -> None:
    assert f"profiles.main.connect_args.{key}: " in problems(MYSQL, connect_args={key: "anything"})


@pytest.mark.parametrize("key", ["isolation_level", "autocommit", "uri", "factory", "timeout"])
def test_sqlite_gets_no_argument_behind_our_back(key: str) -> None:
    assert f"profiles.main.connect_args.{key}: " in problems(SQLITE, connect_args={key: "anything"})


@pytest.mark.parametrize(
    ("query", "fix"),
    [
        ("sslrootcert=/ca.crt", 'fix: take sslrootcert out of the URL, and write these:\n       tls = "verify-ca"\n'),
        ("application_name=billing", 'fix: take application_name out of the URL, and write: application_name = "bill'),
        ("connect_timeout=5", "fix: take connect_timeout out of the URL, and write: connect_timeout = 5.0"),
        ("target_session_atrs=primary", "fix: write target_session_attrs=... in place of target_session_atrs=..."),
        ("statement_cache_size=many", "fix: write statement_cache_size=100 in place of statement_cache_size"),
    ],
)
def test_a_query_that_the_driver_would_choke_on_is_told(query: str, fix: str) -> None:
    assert fix in problems(f"{POSTGRESQL}?{query}")


def test_a_tls_query_that_would_go_out_in_clear_text_is_refused() -> None:
    assert 'tls = "verify-ca"\n       tls_ca = "/ca.crt"' in problems(f"{MYSQL}?ssl_ca=/ca.crt")


def test_a_tls_context_may_come_from_code() -> None:
    context = ssl.create_default_context()

    assert options(connect_args={"ssl": context}).driver["ssl"] is context


@pytest.mark.parametrize(("word", "mode"), [(True, "verify-full"), ("require", "require"), (False, "disable")])
def test_tls_by_the_drivers_words_is_refused(word: object, mode: str) -> None:
    assert f'fix: delete ssl, and write: tls = "{mode}"' in problems(connect_args={"ssl": word})


def test_tls_by_a_context_and_by_keys_is_refused() -> None:
    text = problems(connect_args={"ssl": ssl.create_default_context()}, tls="require")

    assert 'fix: delete ssl, and write: tls = "verify-full"' in text


@pytest.mark.parametrize(
    ("url", "settings", "words"),
    [
        (POSTGRESQL, {"isolation_level": "READ UNCOMMITTED"}, "PostgreSQL has no READ UNCOMMITTED"),
        (
            POSTGRESQL,
            {"pooler": "pgbouncer", "statement_timeout": 2},
            "ALTER ROLE app SET statement_timeout = '2000ms'",
        ),
        (
            POSTGRESQL,
            {"pooler": "pgbouncer", "isolation_level": "AUTOCOMMIT"},
            "profiles.main.isolation_level: without a transaction, PgBouncer may send the two halves",
        ),
        (
            f"{POSTGRESQL}?statement_cache_size=100",
            {"pooler": "pgbouncer"},
            "fix: write statement_cache_size=0 in place of statement_cache_size in the URL",
        ),
        (
            POSTGRESQL,
            {"pooler": "pgbouncer", "connect_args": {"prepared_statement_cache_size": 5}},
            "connect_args.prepared_statement_cache_size: the statement is prepared on one server",
        ),
        (MYSQL, {"pooler": "pgbouncer"}, "stands before PostgreSQL only"),
        (SQLITE, {"pooler": "pgbouncer"}, "stands before PostgreSQL only"),
        (SQLITE, {"isolation_level": "READ COMMITTED"}, "every transaction is SERIALIZABLE"),
        (SQLITE, {"pool_reset_on_return": "none"}, "never give the turn to write back"),
        (SQLITE, {"pool_reset_on_return": "discard"}, "no command that makes a connection forget"),
        (POSTGRESQL, {"pooler": "pgbouncer", "pool_reset_on_return": "discard"}, "server_reset_query_always = 1"),
        (
            f"{POSTGRESQL}?prepared_statement_cache_size=50",
            {"pool_reset_on_return": "discard"},
            "database_url: prepared_statement_cache_size: DISCARD ALL drops every prepared statement",
        ),
        (SQLITE, {"tls": "require"}, "nothing goes over a network"),
        ("sqlite://", {"read_only": True}, "stays empty"),
    ],
)
def test_settings_that_cannot_work_together_are_told(url: str, settings: dict[str, Any], words: str) -> None:
    assert words in problems(url, **settings)


def test_all_problems_are_told_at_once() -> None:
    text = problems(engine_options={"creator": 1}, connect_args={"dsn": 1}, isolation_level="READ UNCOMMITTED")

    assert text.count("fix:") == 3


# -- read-only connections -------------------------------------------------------------------------------------
