"""A connect that is ended from outside leaves no frame of a driver, and the password in no local variable (C3.11).

An attempt that fails by itself is told by the driver; one that runs out of time, is cancelled, or meets the end of its
engine is ended in the midst of the driver's frames, whose variables hold the password.
"""

from __future__ import annotations

import asyncio
import struct
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import anyio
import pytest
from sqlalchemy import text

from myfy_data import ConnectTimeoutError, DatabaseSettings, DataModule, DataSettings, MigrationManager
from myfy_data.engines.connect.connect_errors import chain
from myfy_data.engines.registry import EngineRegistry
from tests.asyncio_servers import close_server
from tests.clock import deadline_of
from tests.faults.proxy import fault_proxy
from tests.faults.rules import Fault
from tests.integration.test_engines_initialize_timeout import BOUND, anything, connect_and_leave, questions
from tests.integration.test_engines_rogue_mysql import Rogue

CANARY = "C4n4ry-p4ssword"
DRIVERS = ("asyncpg", "aiomysql", "pymysql", "aiosqlite")


@dataclass
class Silent:
    """A server that says at most its greeting, and then nothing.

    Attributes:
        arrived: a client has connected, and sent bytes where it sends first.
        left: that client has closed its connection.
    """

    scheme: str
    greeting: bytes = b""
    port: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting)
        with suppress(ConnectionError):
            if self.scheme == "postgresql" or self.greeting:
                await reader.read(4096)
            self.arrived.set()
            while await reader.read(4096):
                pass
        self.arrived.set()
        self.left.set()
        writer.close()

    def settings(self, tls: str, connect_timeout: float, directory: Path) -> DataSettings:
        url = f"{self.scheme}://app:{CANARY}@127.0.0.1:{self.port}/main"
        profile = DatabaseSettings(
            database_url=url,
            tls=tls,
            connect_timeout=connect_timeout,
            pool_size=2,
            migrations={"directory": directory / "migrations"},
        )
        return DataSettings(profiles={"main": profile})


def greeting() -> bytes:
    packet = Rogue().greeting()
    return struct.pack("<I", len(packet)) + packet


SERVERS = {
    "postgresql, asked for TLS": ("postgresql", b"", "prefer"),
    "postgresql, in clear": ("postgresql", b"", "disable"),
    "mysql": ("mysql", b"", "disable"),
    "mysql, after its greeting": ("mysql", greeting(), "disable"),
}
on_each = pytest.mark.parametrize("kind", SERVERS)


@asynccontextmanager
async def silent(kind: str) -> AsyncIterator[Silent]:
    scheme, greets, _ = SERVERS[kind]
    one = Silent(scheme, greets)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        await close_server(server)


def frames(error: BaseException) -> Iterator[FrameType]:
    for item in chain(error):
        for frame, _ in traceback.walk_tb(item.__traceback__):
            yield frame


def check_clean(error: BaseException) -> None:
    """Nothing that an error reporter could record is secret."""
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert CANARY not in told
    for frame in frames(error):
        assert not any(f"/{driver}/" in frame.f_code.co_filename for driver in DRIVERS), frame
        for name, value in frame.f_locals.items():
            assert CANARY not in repr(value), (frame, name)


# -- the deadline of connecting passes ---------------------------------------------------------------------------------


async def start(settings: DataSettings) -> None:
    async with DataModule(settings=settings):
        pass


async def open_session(settings: DataSettings) -> None:
    data = DataModule(settings=settings)
    try:
        async with data.session() as session:
            await session.execute(text("SELECT 1"))
    finally:
        await data.stop()


async def use_engine(settings: DataSettings) -> None:
    data = DataModule(settings=settings)
    try:
        async with data.get_engine().connect():
            pass
    finally:
        await data.stop()


async def warm_up(settings: DataSettings) -> None:
    registry = EngineRegistry(settings.profiles)
    try:
        await registry.warm_up("main")
    finally:
        await registry.close()


async def migrate(settings: DataSettings) -> None:
    manager = MigrationManager(settings=settings)
    manager.init()
    await asyncio.to_thread(manager.current)


Door = Callable[[DataSettings], Awaitable[None]]
IN_THIS_TASK = [start, open_session, use_engine, warm_up]
on_each_door = pytest.mark.parametrize("door", [*IN_THIS_TASK, migrate])


@on_each
@on_each_door
async def test_a_connect_that_runs_out_of_time(kind: str, door: Door, tmp_path: Path) -> None:
    async with silent(kind) as server:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever class it is
            await door(server.settings(SERVERS[kind][2], 0.2, tmp_path))

    check_clean(caught.value)
    assert any(frames(caught.value))


@on_each
async def test_a_health_report_of_a_silent_server(kind: str, tmp_path: Path) -> None:
    async with silent(kind) as server:
        data = DataModule(settings=server.settings(SERVERS[kind][2], 0.2, tmp_path))
        report = await data.health()
        await data.stop()

    assert not report.ok
    assert CANARY not in repr(report)


# -- it is ended from outside ------------------------------------------------------------------------------------------


@on_each
@pytest.mark.parametrize("door", IN_THIS_TASK)
async def test_a_task_that_is_cancelled_while_it_connects(kind: str, door: Door, tmp_path: Path) -> None:
    async with silent(kind) as server:
        task = asyncio.ensure_future(door(server.settings(SERVERS[kind][2], 30, tmp_path)))
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task

    check_clean(caught.value)
    assert task.cancelled()


@on_each
async def test_a_deadline_of_the_callers_own(kind: str, tmp_path: Path) -> None:
    async with silent(kind) as server:
        with pytest.raises(TimeoutError) as caught:
            async with asyncio.timeout(None) as timeout:
                arriving = asyncio.ensure_future(server.arrived.wait())
                arriving.add_done_callback(lambda _: timeout.reschedule(asyncio.get_running_loop().time()))
                await open_session(server.settings(SERVERS[kind][2], 30, tmp_path))

    check_clean(caught.value)


@on_each
async def test_a_scope_that_is_cancelled(kind: str, tmp_path: Path) -> None:
    kept: list[BaseException] = []
    async with silent(kind) as server:
        with anyio.CancelScope() as scope:
            arriving = asyncio.ensure_future(server.arrived.wait())
            arriving.add_done_callback(lambda _: scope.cancel())
            try:
                await open_session(server.settings(SERVERS[kind][2], 30, tmp_path))
            except asyncio.CancelledError as error:
                kept.append(error)
                raise

    check_clean(kept[0])
    assert scope.cancelled_caught


@on_each
async def test_one_of_several_tasks_fails_while_the_others_connect(kind: str, tmp_path: Path) -> None:
    """The group tells the failure; what was cancelled for it is only a part of the chain."""
    kept: list[BaseException] = []

    async def connect(settings: DataSettings) -> None:
        try:
            await open_session(settings)
        except BaseException as error:
            kept.append(error)
            raise RuntimeError("while it connected") from error

    async def fail_when(arrived: asyncio.Event) -> None:
        await arrived.wait()
        raise ValueError("mine")

    async with silent(kind) as server:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(connect(server.settings(SERVERS[kind][2], 30, tmp_path)))
                group.create_task(fail_when(server.arrived))

    check_clean(caught.value)
    assert isinstance(kept[0], asyncio.CancelledError)


@on_each
async def test_an_engine_that_is_closed_while_it_connects(kind: str, tmp_path: Path) -> None:
    async with silent(kind) as server:
        data = DataModule(settings=server.settings(SERVERS[kind][2], 30, tmp_path))
        engine = data.get_engine()

        async def connect() -> None:
            async with engine.connect():
                pass

        task = asyncio.create_task(connect())
        await server.arrived.wait()
        await data.stop()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever class it is
            await task

    check_clean(caught.value)


@pytest.mark.postgresql
@pytest.mark.parametrize("place", [0, 1], ids=["first question", "second question"])
async def test_a_server_that_falls_silent_after_the_log_in(postgresql_url: str, place: int) -> None:
    """What SQLAlchemy asks on the first connection belongs to connecting: the driver knows the password by then."""
    async with fault_proxy(postgresql_url) as (proxy, through):
        settings = {"main": DatabaseSettings(database_url=through, password=CANARY, connect_timeout=BOUND)}
        healthy = EngineRegistry(settings)
        await connect_and_leave(healthy)
        await healthy.close()
        registry = EngineRegistry(settings)
        proxy.arm(Fault.BLACK_HOLE, when=anything, nth=questions(proxy)[place], then=deadline_of(BOUND))

        with pytest.raises(ConnectTimeoutError) as caught:
            await connect_and_leave(registry)

        await registry.close()
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert CANARY not in told
    assert not any(CANARY in repr(value) for frame in frames(caught.value) for value in frame.f_locals.values())
