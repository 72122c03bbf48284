"""Credentials of a provider reach the server, follow a rotation, and are printed nowhere (contract C12.4)."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from myfy_data import (
    ConfigError,
    ConnectTimeoutError,
    CredentialRequest,
    Credentials,
    DatabaseConnectionError,
    DatabaseSettings,
    DataModule,
    DataModuleError,
    DataSettings,
    MigrationManager,
)
from myfy_data.engines.connect.connect_errors import chain
from myfy_data.engines.registry import EngineRegistry
from tests import token_service as providers
from tests.accounts import Account
from tests.asyncio_servers import PATIENCE
from tests.databases import opened
from tests.integration.test_connect_secrets import frames
from tests.token_service import TokenService, token_service

KINDS = pytest.mark.parametrize("account", ["postgresql", "mysql"], indirect=True)
ASYNC = "tests.token_service:fetched"
SYNC = "tests.token_service:in_a_thread"
ID = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}


def settings_of(service: TokenService, **settings: object) -> DatabaseSettings:
    given = {"credentials": ASYNC, "credentials_options": {"url": service.url}, "pool_size": 2, **settings}
    return service.account.settings(**given)


async def backend_id(registry: EngineRegistry) -> int:
    engine = registry.get("main")
    async with engine.connect() as connection:
        return int((await connection.execute(text(ID[engine.dialect.name]))).scalar_one())


# -- how it is asked ---------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("provider", [ASYNC, SYNC])
async def test_a_provider_gives_the_password(account: Account, provider: str) -> None:
    async with token_service(account) as service, opened(settings_of(service, credentials=provider)) as registry:
        await backend_id(registry)

    assert service.asked == ["connect"]


@pytest.mark.parametrize("account", ["postgresql"], indirect=True)
async def test_a_plain_function_is_called_in_a_thread(account: Account) -> None:
    async with token_service(account) as service, opened(settings_of(service, credentials=SYNC)) as registry:
        await backend_id(registry)

    assert providers.THREADS[-1] is not threading.main_thread()


SEEN: list[CredentialRequest] = []


def look(request: CredentialRequest) -> Credentials:
    SEEN.append(request)
    return Credentials("token")


async def test_a_provider_is_told_what_the_connection_is_for() -> None:
    url = "postgresql://app@127.0.0.1:1/shop"
    settings = DatabaseSettings(database_url=url, credentials=f"{__name__}:look", credentials_options={"region": "eu"})

    async with opened(settings) as registry:
        with pytest.raises(DatabaseConnectionError):
            await registry.ping("main")

    assert SEEN[-1] == CredentialRequest("main", "127.0.0.1", 1, "app", "connect", {"region": "eu"})


@KINDS
async def test_connections_that_are_made_at_the_same_time_ask_once(account: Account) -> None:
    async with token_service(account) as service, opened(settings_of(service, pool_size=5)) as registry:
        await registry.warm_up("main")

    assert service.asked == ["connect"]


@pytest.mark.parametrize("account", ["postgresql"], indirect=True)
async def test_credentials_are_asked_for_anew_after_most_of_their_life(account: Account) -> None:
    async with token_service(account, lifetime=3600) as service, opened(settings_of(service)) as registry:
        registry.get("main")
        [engine] = registry.engines_of("main")
        [handle] = engine.handles
        source = handle.backend.credentials
        assert source is not None
        start = source.clock()
        for seconds in (0, 2870, 2890):
            source.clock = lambda passed=seconds: start + passed
            await registry.probe("main")

    assert service.asked == ["connect", "connect"]


def app_of(service: TokenService, **settings: object) -> DataSettings:
    return DataSettings(profiles={"main": settings_of(service, **settings)})


@KINDS
async def test_every_door_asks_the_provider(account: Account, tmp_path: Path) -> None:
    async with token_service(account) as service:
        settings = app_of(service, migrations={"directory": tmp_path / "migrations"})
        async with DataModule(settings=settings) as data:
            async with data.session(read_only=True) as session:
                await session.execute(text("SELECT 1"))
            assert (await data.health()).ok
        manager = MigrationManager(settings=settings)
        manager.init()
        await asyncio.to_thread(manager.current)

    assert service.asked == ["connect", "connect"]  # the module's engine, and that of the migrations


# -- rotation ----------------------------------------------------------------------------------------------------------


@KINDS
async def test_a_refusal_asks_once_more_and_connects(account: Account) -> None:
    async with token_service(account) as service, opened(settings_of(service)) as registry:
        await registry.probe("main")
        await service.rotate()

        await registry.probe("main")

    assert service.asked == ["connect", "refused"]


@KINDS
async def test_a_rotation_closes_no_connection(account: Account) -> None:
    async with token_service(account) as service, opened(settings_of(service)) as registry:
        before = await backend_id(registry)
        await service.rotate()

        assert await backend_id(registry) == before


@KINDS
async def test_many_refused_connects_ask_once(account: Account) -> None:
    async with token_service(account) as service, opened(settings_of(service, pool_size=10)) as registry:
        await registry.probe("main")
        await service.rotate()

        await registry.warm_up("main")

    assert service.asked == ["connect", "refused"]


@KINDS
async def test_credentials_that_the_server_never_takes(account: Account) -> None:
    async with token_service(account) as service, opened(settings_of(service)) as registry:
        account.set_password("another")

        with pytest.raises(DatabaseConnectionError) as caught:
            await registry.ping("main")

    assert service.asked == ["connect", "refused"]
    assert caught.value.reason == (
        f"the server refuses user '{account.user}' with what the provider '{ASYNC}' gave when it was asked again"
    )


@KINDS
async def test_a_connection_is_replaced_when_its_credentials_say_so_between_two_sessions(account: Account) -> None:
    async with token_service(account) as service, opened(settings_of(service, pool_size=1)) as registry:
        service.age = 3600
        engine = registry.get("main")
        before = await backend_id(registry)
        async with engine.connect() as connection:
            info = (await connection.get_raw_connection())._connection_record.info
            born, late, retire_at = info["myfy_birth"]
            info["myfy_birth"] = (born, late, retire_at - 3600)
            question = text(ID[engine.dialect.name])
            during = (await connection.execute(question)).scalar_one()
            await connection.rollback()
            again = (await connection.execute(question)).scalar_one()

        after = await backend_id(registry)

    assert (during, again) == (before, before)
    assert after != before


# -- what goes wrong ---------------------------------------------------------------------------------------------------

CANARY = "C4n4ry-t0ken"


async def failing(request: CredentialRequest) -> Credentials:
    token = CANARY
    raise RuntimeError(f"the service says {token} about {request.profile}")


def failing_in_a_thread(request: CredentialRequest) -> Credentials:
    token = CANARY
    raise RuntimeError(f"the service says {token} about {request.profile}")


async def giving_text(_: CredentialRequest) -> str:
    return CANARY


async def giving_the_canary(_: CredentialRequest) -> Credentials:
    return Credentials(CANARY)


async def hanging(_: CredentialRequest) -> Credentials:
    token = CANARY
    await asyncio.Event().wait()
    return Credentials(token)


BLOCKED = threading.Event()


def hanging_in_a_thread(_: CredentialRequest) -> Credentials:
    BLOCKED.wait(PATIENCE)
    return Credentials(CANARY)


def check_clean(error: BaseException) -> None:
    for item in chain(error):
        assert CANARY not in f"{item!r} {item} {item.args!r}"
    for frame in frames(error):
        for name, value in frame.f_locals.items():
            assert CANARY not in repr(value), (frame, name)


async def error_of(provider: str, caplog: pytest.LogCaptureFixture, **settings: object) -> DataModuleError:
    caplog.set_level(logging.DEBUG)
    given = {"database_url": "postgresql://app@127.0.0.1:1/shop", "credentials": f"{__name__}:{provider}", **settings}
    async with opened(DatabaseSettings(**given)) as registry:
        with pytest.raises(DataModuleError) as caught:
            async with registry.get("main").connect():
                pass
    check_clean(caught.value)
    assert CANARY not in caplog.text
    return caught.value


@pytest.mark.parametrize("provider", ["failing", "failing_in_a_thread"])
async def test_a_provider_that_fails_is_told_without_its_text(provider: str, caplog: pytest.LogCaptureFixture) -> None:
    error = await error_of(provider, caplog)

    assert str(error).startswith("profile 'main': cannot connect to ")
    assert f"the provider '{__name__}:{provider}' failed: RuntimeError at {__file__}:" in str(error)


async def test_a_provider_that_gives_something_else(caplog: pytest.LogCaptureFixture) -> None:
    assert "gives a str, no Credentials\n  fix: return Credentials(" in str(await error_of("giving_text", caplog))


@pytest.mark.parametrize("provider", ["hanging", "hanging_in_a_thread"])
async def test_a_provider_that_hangs_is_given_up(provider: str, caplog: pytest.LogCaptureFixture) -> None:
    BLOCKED.clear()

    error = await error_of(provider, caplog, connect_timeout=0.2)

    BLOCKED.set()
    assert isinstance(error, ConnectTimeoutError)
    assert f"the provider '{__name__}:{provider}' gives no credentials within 0.2 s" in str(error)


@KINDS
async def test_refused_credentials_are_in_no_frame_and_no_log(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    account.set_password("another")

    error = await error_of("giving_the_canary", caplog, database_url=account.url, username=account.user)

    assert "refuses user" in str(error)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("nowhere.at_all:token", "cannot import nowhere.at_all: there is no module 'nowhere'\n  fix: python -c "),
        (
            "tests.token_service:fetch",
            "tests.token_service has no 'fetch'\n  fix: credentials = \"tests.token_service:fetched\"",
        ),
        ("tests.token_service:THREADS", "is a list, no function"),
        ("comand", "no provider is called 'comand'; there are: command, file. Did you mean 'command'?"),
    ],
)
async def test_a_provider_that_is_not_there_fails_the_start(named: str, told: str) -> None:
    settings = DataSettings(
        default="main",
        profiles={
            "main": DatabaseSettings(database_url="sqlite://"),
            "other": DatabaseSettings(database_url="postgresql://app@127.0.0.1:1/x", credentials=named),
        },
    )

    with pytest.raises(ConfigError) as caught:
        await DataModule(settings=settings).start()

    assert "profiles.other.credentials: " in str(caught.value)
    assert told in str(caught.value)
