"""Connecting: what works, and what a newcomer reads when it does not."""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from myfy_data.engines.connect.connect_errors import SWITCH_TLS_ON
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE, close_server
from tests.own_servers import closed_port

SERVERS = pytest.mark.parametrize("url", ["postgresql_url", "mysql_url"], indirect=True)
ALL = pytest.mark.parametrize("url", ["postgresql_url", "mysql_url", "sqlite_url"], indirect=True)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/app.db"


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@asynccontextmanager
async def opened(**settings: object) -> AsyncIterator[EngineRegistry]:
    registry = EngineRegistry({"main": DatabaseSettings(**settings)})  # type: ignore[arg-type]  # each test's own
    try:
        yield registry
    finally:
        await registry.close()


async def failure(**settings: object) -> DatabaseConnectionError:
    """The error of connecting with these settings."""
    async with opened(**settings) as registry:
        with pytest.raises(DatabaseConnectionError) as caught:
            async with registry.get("main").connect():
                pass
        assert registry.status("main").checked_out == 0
    return caught.value


# -- what works ------------------------------------------------------------------------------------------------


@ALL
async def test_a_profile_connects_and_selects(url: str) -> None:
    async with opened(database_url=url) as registry, registry.get("main").connect() as connection:
        assert (await connection.execute(text("SELECT 1 + 1"))).scalar_one() == 2


@ALL
async def test_text_from_all_over_the_world_comes_back(url: str) -> None:
    words = "naïve Ωμέγα 漢字 🐘🐬🪶"
    async with opened(database_url=url) as registry, registry.get("main").connect() as connection:
        await connection.execute(text("CREATE TEMPORARY TABLE words (word VARCHAR(100))"))
        await connection.execute(text("INSERT INTO words VALUES (:word)"), {"word": words})

        assert (await connection.execute(text("SELECT word FROM words"))).scalar_one() == words


@SERVERS
async def test_the_server_lists_us_under_our_name(url: str) -> None:
    settings = {"database_url": url, "application_name": "billing"}
    async with opened(**settings) as registry, registry.get("main").connect() as connection:
        if url.startswith("postgresql"):
            found = (await connection.execute(text("SHOW application_name"))).scalar_one()
        else:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            found = raw._connect_attrs["program_name"]  # performance_schema is off on most servers

    assert found == "billing"


async def test_an_update_counts_the_rows_that_it_found(mysql_url: str) -> None:
    """The ORM compares it with the rows that it wanted to update."""
    async with opened(database_url=mysql_url) as registry, registry.get("main").connect() as connection:
        await connection.execute(text("CREATE TEMPORARY TABLE t (id INT, v INT)"))
        await connection.execute(text("INSERT INTO t VALUES (1, 1)"))

        assert (await connection.execute(text("UPDATE t SET v = 1 WHERE id = 1"))).rowcount == 1


@ALL
async def test_errors_of_statements_stay_those_of_sqlalchemy(url: str) -> None:
    async with opened(database_url=url) as registry, registry.get("main").connect() as connection:
        await connection.execute(text("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO t VALUES (1)"))

        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO t VALUES (1)"))


# -- read-only -------------------------------------------------------------------------------------------------


@asynccontextmanager
async def table(url: str) -> AsyncIterator[None]:
    async with opened(database_url=url) as registry:
        async with registry.get("main").begin() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS guarded (id INT)"))
        yield
        async with registry.get("main").begin() as connection:
            await connection.execute(text("DROP TABLE guarded"))


@ALL
@pytest.mark.parametrize("statement", ["INSERT INTO guarded VALUES (1)", "CREATE TABLE other (id INT)"])
@pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])
async def test_the_server_refuses_the_writes_of_a_read_only_profile(url: str, statement: str, level: str) -> None:
    settings = {"database_url": url, "read_only": True, "isolation_level": level}
    async with table(url), opened(**settings) as registry, registry.get("main").connect() as connection:
        await connection.execute(text("SELECT * FROM guarded"))
        with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
            await connection.execute(text(statement))


@ALL
@pytest.mark.parametrize("level", [None, "AUTOCOMMIT"])
async def test_the_server_refuses_the_writes_of_a_read_only_connection(url: str, level: str) -> None:
    async with (
        table(url),
        opened(database_url=url, isolation_level=level) as registry,
        registry.get("main", read_only=True).connect() as connection,
    ):
        await connection.execute(text("SELECT * FROM guarded"))
        with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
            await connection.execute(text("INSERT INTO guarded VALUES (1)"))


@ALL
async def test_the_next_user_of_that_connection_may_write(url: str) -> None:
    async with table(url), opened(database_url=url, pool_size=1, max_overflow=0) as registry:
        async with registry.get("main", read_only=True).connect() as connection:
            await connection.execute(text("SELECT * FROM guarded"))
        async with registry.get("main").connect() as connection:
            result = await connection.execute(text("INSERT INTO guarded VALUES (1)"))
            assert result.rowcount == 1


# -- what does not work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("driver", ["postgresql", "mysql"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_listens(driver: str, host: str) -> None:
    with closed_port() as port:
        error = await failure(database_url=f"{driver}://app@{host}:{port}/main")

    assert error.reason == f"nothing listens on {host}:{port}"
    assert "fix: start the server" in str(error)


@pytest.mark.parametrize("driver", ["postgresql", "mysql"])
async def test_the_host_is_unknown(driver: str) -> None:
    error = await failure(database_url=f"{driver}://app@db.invalid/main")

    assert error.reason == "the host name 'db.invalid' is unknown"


@SERVERS
async def test_the_database_does_not_exist(url: str) -> None:
    """The fix is the command that creates it."""
    error = await failure(database_url=url, database="no_such_db")

    assert error.reason == "there is no database 'no_such_db'"
    assert "createdb -h" in str(error) or "'CREATE DATABASE `no_such_db`'" in str(error)


@SERVERS
async def test_the_error_names_profile_and_target_and_keeps_the_drivers_words(url: str) -> None:
    error = await failure(database_url=url, database="no_such_db")

    assert error.profile == "main"
    assert error.target.endswith("/no_such_db")
    assert "no_such_db" in str(error.__cause__)


@SERVERS
async def test_tls_was_asked_for_and_is_not_offered(url: str) -> None:
    """The servers of this run have no certificate; the ones that have get their own tests."""
    async with opened(database_url=url) as registry, registry.get("main").connect() as connection:
        question = "SHOW ssl" if url.startswith("postgresql") else "SHOW VARIABLES LIKE 'have_ssl'"
        said = (await connection.execute(text(question))).first()
        if said is None or said[-1] not in ("off", "DISABLED", "NO"):  # MySQL 9 has TLS, and no such variable
            return

    error = await failure(database_url=url, tls="require")

    assert "offers no TLS" in error.reason
    assert SWITCH_TLS_ON in str(error)


async def answer_in_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("driver", ["postgresql", "mysql"])
@pytest.mark.parametrize("serve", [answer_in_http, hang_up])
async def test_something_else_listens_there(driver: str, serve: Serve) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    error = await failure(database_url=f"{driver}://app@127.0.0.1:{port}/main", connect_timeout=PATIENCE)

    await close_server(server)
    assert "closed the connection" in error.reason or "does not speak" in error.reason
    assert "correct host and port" in str(error)


async def test_the_server_has_no_connection_left(postgresql_url: str) -> None:
    """A role that may have no connection at all is refused in the words of a full server."""
    role = f"crowded_{secrets.token_hex(4)}"
    async with opened(database_url=postgresql_url) as registry:
        async with registry.get("main").begin() as connection:
            await connection.execute(text(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 0"))
        try:
            error = await failure(database_url=postgresql_url, username=role)
        finally:
            async with registry.get("main").begin() as connection:
                await connection.execute(text(f"DROP ROLE {role}"))

    assert error.reason == "the server has no connection left"
    assert "max_connections" in str(error)


async def test_a_directory_of_a_sqlite_file_does_not_exist(tmp_path: Path) -> None:
    """The fix works when it is pasted."""
    place = tmp_path / "not yet" / "there"

    error = await failure(database_url=f"sqlite:///{place}/app.db")

    assert error.reason == f"the directory {place} does not exist"
    assert f"fix: mkdir -p '{place}'" in str(error)


async def test_a_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_text("This is a letter, not a database.\n" * 50)

    error = await failure(database_url=f"sqlite:///{tmp_path}/app.db")

    assert error.reason == "the file is not a SQLite database"


async def test_a_path_is_a_directory(tmp_path: Path) -> None:
    error = await failure(database_url=f"sqlite:///{tmp_path}")

    assert error.reason == "the path is a directory, not a file"


@SERVERS
async def test_no_frame_of_a_driver_is_shown(url: str) -> None:
    error = await failure(database_url=url, database="no_such_db")

    shown = "".join(traceback.format_exception(error))
    assert "site-packages/asyncpg" not in shown
    assert "site-packages/aiomysql" not in shown
