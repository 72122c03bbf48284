"""A protection that does not take place is a refusal, before anything is given away or handed out (contract C16.1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiomysql import OperationalError
from aiomysql.connection import Connection
from pymysql import _auth
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from myfy_data.engines.factory import open_engine_handle
from myfy_data.engines.mysql.backend import MySQL
from myfy_data.engines.mysql.login import SafeLogin
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.postgresql.backend import PostgreSQL
from myfy_data.errors import UnsupportedPackageError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.integration.test_engines_rogue_mysql import (
    CAPABILITIES,
    PASSWORD,
    SALT,
    Rogue,
    connect,
    served,
)

BOTH = pytest.mark.parametrize("url", ["postgresql_url", "mysql_url"], indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


async def refused(settings: DatabaseSettings) -> UnsupportedPackageError:
    """The refusal of a connection, after which the pool holds none."""
    opened = open_engine_handle("main", settings)
    with pytest.raises(UnsupportedPackageError) as caught:
        await use(opened.engine)
    assert opened.engine.pool.checkedout() == 0  # type: ignore[attr-defined] - ours, a QueuePool
    await opened.close()
    return caught.value


async def use(engine: AsyncEngine) -> None:
    async with engine.connect():
        pass


# -- MySQL: the password ---------------------------------------------------------------------------------------------


def not_called(monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    """Make an early hook of ours one that aiomysql does not call any more."""
    if hook == "_check_login":
        monkeypatch.setattr(SafeLogin, hook, lambda _, reading: reading)
    else:
        monkeypatch.delattr(SafeLogin, hook)


@pytest.mark.parametrize("hook", ["_process_auth", "_check_login"])
@pytest.mark.parametrize(
    ("capabilities", "switch"),
    [
        (CAPABILITIES, b"\xfemysql_clear_password\0"),
        (CAPABILITIES, b"\xfemysql_old_password\0" + SALT[:8]),
        (CAPABILITIES & ~0x80000, b"\xfemysql_native_password\0" + SALT),
    ],
    ids=["clear password", "old password", "old protocol"],
)
async def test_the_line_refuses_what_a_hook_that_is_not_called_would_have(
    capabilities: int, switch: bytes, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in {"_process_auth", hook}:
        not_called(monkeypatch, each)
    monkeypatch.setattr(_auth, "scramble_old_password", lambda *_: bytes(8), raising=False)  # PyMySQL 1.2 has none

    async with served(Rogue(capabilities, switch=switch)) as rogue:
        error = await connect(rogue)

    first_answer = int.from_bytes(rogue.received[:3], "little") + 4
    assert len(rogue.received) == first_answer
    assert PASSWORD.encode() not in rogue.received
    assert "on a line without TLS" in error.reason


@pytest.mark.parametrize("lenenc", [0, 0x200000], ids=["one byte of length", "a length of any size"])
async def test_the_line_refuses_the_clear_password_as_the_first_answer(
    lenenc: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_called(monkeypatch, "_request_authentication")

    async with served(Rogue(capabilities=CAPABILITIES | lenenc, greeting_plugin=b"mysql_clear_password")) as rogue:
        error = await connect(rogue)

    assert rogue.received == b""
    assert "in clear text, on a line without TLS" in error.reason


@pytest.mark.parametrize("plugin", [b"mysql_native_password", b"caching_sha2_password", b"mysql_clear_password"])
async def test_the_line_refuses_a_log_in_without_the_tls_that_is_demanded(
    plugin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_called(monkeypatch, "_request_authentication")

    async with served(Rogue(greeting_plugin=plugin)) as rogue:
        error = await connect(rogue, tls="require")

    assert rogue.received == b""
    assert error.reason == "the line has no TLS, so no log-in was sent"


async def test_the_line_refuses_to_ask_for_a_key_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    not_called(monkeypatch, "_process_auth")
    monkeypatch.setattr(SafeLogin, "knows_key", False)

    async with served(Rogue(switch=b"\xfesha256_password\0" + SALT)) as rogue:
        error = await connect(rogue)

    assert len(rogue.received) == int.from_bytes(rogue.received[:3], "little") + 4
    assert error.reason == "the server would hand over a key that nobody can check without TLS"


@pytest.mark.mysql
@pytest.mark.parametrize("hook", ["_request_authentication", "_write_bytes"])
async def test_a_connection_whose_log_in_passed_a_hook_by_is_not_handed_out(
    mysql_url: str, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hook == "_write_bytes":
        monkeypatch.setattr(SafeLogin, "write_guarded", Connection._write_bytes)
    else:
        not_called(monkeypatch, hook)

    error = await refused(DatabaseSettings(database_url=mysql_url))

    assert error.reason == f"does not call {hook} to log in"
    assert 'fix: pip install "aiomysql>=' in str(error)


@pytest.mark.mysql
@pytest.mark.parametrize("ending", ["close", "abort"])
async def test_a_lost_connection_is_not_made_anew_below_a_session(mysql_url: str, ending: str) -> None:
    opened = open_engine_handle("main", DatabaseSettings(database_url=mysql_url))
    async with opened.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        getattr(driver, ending)()

        with pytest.raises(OperationalError, match="is not made anew"):
            await driver.ping()
        assert driver.closed
        await connection.invalidate()
    await opened.close()


# -- the transport ---------------------------------------------------------------------------------------------------


class WithoutSocket:
    """A transport that does not tell its socket."""

    def get_extra_info(self, _name: str) -> None:
        """None of anything."""
        return


@BOTH
@pytest.mark.parametrize("shown", [None, WithoutSocket()], ids=["no transport", "no socket"])
async def test_a_driver_that_hides_its_line_is_refused(
    url: str, shown: WithoutSocket | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (PostgreSQL, MySQL):
        monkeypatch.setattr(kind, "transport", lambda *_: shown)
    monkeypatch.setattr(PostgreSQL, "abort", lambda _, connection: connection.terminate())
    monkeypatch.setattr(MySQL, "abort", lambda _, connection: connection.abort())

    error = await refused(DatabaseSettings(database_url=url))

    assert "does not show the line to the server" in error.reason


def ignoring_tls(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Let a driver connect without TLS whatever it is told."""
    if kind == "postgresql":
        stock: Callable[..., Any] = asyncpg.connect
        monkeypatch.setattr(asyncpg, "connect", lambda **arguments: stock(**{**arguments, "ssl": False}))
        return
    stock_init: Callable[..., None] = Connection.__init__
    monkeypatch.setattr(
        Connection, "__init__", lambda self, **arguments: stock_init(self, **{**arguments, "ssl": None})
    )


@pytest.mark.parametrize("tls", ["require", "verify-ca", "verify-full"])
@BOTH
async def test_a_driver_that_ignores_the_tls_it_was_told_is_refused(
    url: str, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignoring_tls(monkeypatch, url.partition(":")[0].partition("+")[0])

    error = await refused(DatabaseSettings(database_url=url, tls=tls))

    assert error.reason == "has connected without TLS, which was demanded"


# -- the pool --------------------------------------------------------------------------------------------------------


async def test_a_connection_that_went_past_the_fair_pool_is_not_handed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPool, "_do_get", QueuePool._do_get)

    error = await refused(DatabaseSettings(database_url=f"sqlite:///{tmp_path}/a.db"))

    assert error.reason == "hands out connections past the pool's '_do_get'"
    assert 'fix: pip install "sqlalchemy[asyncio]>=2.0.58,<2.2"' in str(error)
