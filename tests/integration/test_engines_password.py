"""Passwords of every kind reach the server whole, are read anew, and are printed nowhere (contract C3.8, C3.11)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.accounts import Account
from tests.asyncio_servers import close_server
from tests.databases import opened
from tests.own_servers import closed_port

HARD = "a@b:c/d?e#f%g[h]i j'k\"l€"
KINDS = pytest.mark.parametrize("account", ["postgresql", "mysql"], indirect=True)


async def connects(settings: DatabaseSettings) -> bool:
    async with opened(settings) as registry, registry.get("main").connect() as connection:
        return bool((await connection.execute(text("SELECT 1"))).scalar_one())


@KINDS
async def test_a_hard_password_works_in_the_url(account: Account) -> None:
    account.set_password(HARD)
    url = account.url.replace("://", f"://{account.user}:{quote(HARD, safe='')}@")

    assert await connects(DatabaseSettings(database_url=url))


@KINDS
async def test_a_hard_password_works_as_it_is(account: Account) -> None:
    account.set_password(HARD)

    assert await connects(account.settings(password=HARD))


@KINDS
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
async def test_a_hard_password_works_in_a_file(account: Account, tmp_path: Path, end: str) -> None:
    account.set_password(HARD)
    (tmp_path / "password").write_bytes((HARD + end).encode())

    assert await connects(account.settings(password_file=tmp_path / "password"))


@KINDS
async def test_only_one_newline_is_taken_off_a_file(account: Account, tmp_path: Path) -> None:
    account.set_password(" padded \n")
    (tmp_path / "password").write_text(" padded \n\n")

    assert await connects(account.settings(password_file=tmp_path / "password"))


@KINDS
async def test_a_rotated_file_is_used_by_the_next_connection(account: Account, tmp_path: Path) -> None:
    file = tmp_path / "password"
    account.set_password("before")
    file.write_text("before")
    async with opened(account.settings(password_file=file)) as registry:
        engine = registry.get("main")
        async with engine.connect() as first:
            account.set_password("after")
            file.write_text("after")
            async with engine.connect() as second:
                values = [(await one.execute(text("SELECT 1"))).scalar_one() for one in (first, second)]

    assert values == [1, 1]


@KINDS
async def test_a_file_that_is_gone_is_told_with_its_path(account: Account, tmp_path: Path) -> None:
    with pytest.raises(DatabaseConnectionError, match=f"secret file {tmp_path}/absent does not exist\n  fix: .*cat > "):
        await connects(account.settings(password_file=tmp_path / "absent"))


@KINDS
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"password": "wrong"}, "with this password"),
        ({}, "without a password"),
    ],
)
async def test_a_password_that_the_server_refuses(account: Account, given: dict[str, str], words: str) -> None:
    account.set_password("right")

    with pytest.raises(DatabaseConnectionError) as caught:
        await connects(account.settings(**given))

    assert caught.value.reason == f"the server refuses user '{account.user}' {words}"


# -- the canary ------------------------------------------------------------------------------------------------

CANARY = f"CANARY-{secrets.token_hex(8)}-€"


def everything_about(error: BaseException) -> str:
    """All that can be printed of an error, local variables of every frame included."""
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = [str(error), repr(error), repr(vars(error)), "".join(frames.format(chain=True))]
    # format() leaves a suppressed context out; a collector of errors may not.
    others = [everything_about(other) for other in (error.__cause__, error.__context__) if other is not None]
    return "\n".join(parts + others)


@pytest.fixture(params=["url", "password", "file"])
def canary(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    """The canary in one of the three places where a password may stand."""
    if request.param == "file":
        (tmp_path / "password").write_text(CANARY)
        return {"password_file": tmp_path / "password"}
    return {"in_url": True} if request.param == "url" else {"password": CANARY}


def with_canary(url: str, canary: dict[str, object], **settings: object) -> DatabaseSettings:
    if canary.get("in_url"):
        scheme, _, rest = url.partition("://")
        user, _, location = rest.rpartition("@")
        return DatabaseSettings(database_url=f"{scheme}://{user}:{quote(CANARY)}@{location}", **settings)
    return DatabaseSettings(database_url=url, **canary, **settings)


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def error_of(settings: DatabaseSettings) -> BaseException:
    async with opened(settings) as registry:
        with pytest.raises(DatabaseConnectionError) as caught:
            await registry.ping("main")
        return caught.value


@pytest.mark.parametrize("driver", ["postgresql", "mysql"])
@pytest.mark.parametrize("tls", ["disable", "require", "verify-full"])
@pytest.mark.parametrize("way", ["refused", "unknown host", "other protocol"])
async def test_no_failure_to_connect_tells_the_password(
    driver: str, tls: str, way: str, canary: dict[str, object]
) -> None:
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with closed_port() as closed:
        place = {"refused": f"127.0.0.1:{closed}", "unknown host": "db.invalid", "other protocol": f"127.0.0.1:{port}"}

        error = await error_of(with_canary(f"{driver}://app@{place[way]}/main", canary, tls=tls))

    await close_server(server)
    assert CANARY not in everything_about(error)


@KINDS
async def test_no_refusal_of_a_password_tells_it(account: Account, canary: dict[str, object]) -> None:
    account.set_password("right")
    url = account.url.replace("://", f"://{account.user}@")

    error = await error_of(with_canary(url, canary))

    assert CANARY not in everything_about(error)


@KINDS
async def test_nothing_that_we_log_or_show_holds_the_password(
    account: Account, canary: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("myfy_data", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool"):
        caplog.set_level(logging.DEBUG, logger=name)
    account.set_password(CANARY)
    url = account.url.replace("://", f"://{account.user}@")
    async with opened(with_canary(url, canary, echo=True, echo_pool=True)) as registry:
        engine = registry.get("main")
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            driver = (await connection.get_raw_connection()).driver_connection
        opened_engine = registry.engines_of("main")[0]
        shown = [engine, engine.url, engine.pool, driver, opened_engine, vars(opened_engine.backend)]
        shown.append(getattr(driver, "_params", None))  # asyncpg keeps how it connected, to cancel statements

    assert CANARY not in "\n".join(map(repr, shown))
    assert CANARY not in engine.url.render_as_string(hide_password=False)
    assert caplog.text != ""
    assert CANARY not in caplog.text


async def test_a_password_file_that_is_not_text_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"CANARY-bytes-\xff\xfe")

    error = await error_of(
        DatabaseSettings(database_url="postgresql://app@127.0.0.1/main", password_file=tmp_path / "password")
    )

    assert "is not UTF-8 text" in str(error)
    assert "CANARY-bytes" not in everything_about(error)


@KINDS
async def test_a_do_connect_listener_gives_each_connection_its_password(account: Account) -> None:
    """SQLAlchemy's documented way to hand out a token that is renewed."""
    engines: list[AsyncEngine] = []
    tokens = iter(["first", "second"])

    def give(_dialect: object, _record: object, _positional: object, parameters: dict[str, object]) -> None:
        parameters["password"] = next(tokens)

    def attach(_profile: str, engine: AsyncEngine) -> None:
        engines.append(engine)
        event.listen(engine.sync_engine, "do_connect", give)

    registry = EngineRegistry({"main": account.settings(password="outdated")}, attach)
    account.set_password("first")
    async with registry.get("main").connect() as connection:
        answers = [(await connection.execute(text("SELECT 1"))).scalar_one()]
    await engines[0].dispose()
    account.set_password("second")
    async with registry.get("main").connect() as connection:
        answers.append((await connection.execute(text("SELECT 1"))).scalar_one())
    await registry.close()

    assert answers == [1, 1]
