"""One host's applications in a process of their own: `python -m tests.hosts.serve HOST LISTENERS`.

`LISTENERS` is JSON, a list of the fields of `Listener`. The ports are written as a JSON list in the same order; the
process ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import sys
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, cast

import hypercorn.asyncio
import hypercorn.config
import uvicorn
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import QueuePool

from myfy_data import DatabaseSettings, DataModule, DataSettings
from tests.hosts.recorder import Scene, Witness


@dataclass(frozen=True)
class Listener:
    """One application on one port.

    Attributes:
        database: its kind.
        main: where the default profile goes; through a fault proxy, where there is one.
        second: the same for the profile `second`.
        straight: where the witness looks, past every proxy.
        server: `uvicorn` or `hypercorn`.
        naive: without our adapter.
        pool_size: of each profile; nothing may overflow.
        patience: seconds until a statement without an answer has failed, and a wait for a connection.
    """

    database: str
    main: str
    second: str
    straight: str
    server: str = "uvicorn"
    naive: bool = False
    pool_size: int = 1
    patience: float = 20.0


def application(host: str, listener: Listener) -> Witness:
    """The host's application behind its witness."""
    module = importlib.import_module(f"tests.hosts.apps.{host}")
    build = _naive if listener.naive else _ours
    app, scene = build(module, listener)
    # One connection each: a server has a hundred, and all hosts together several dozen.
    engine = create_async_engine(listener.straight, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0)
    return Witness(app, scene, engine)


def _ours(module: Any, listener: Listener) -> tuple[Any, Scene]:
    shared = {
        "pool_size": listener.pool_size,
        "max_overflow": 0,
        "pool_timeout": listener.patience,
        "connect_timeout": 10.0,
        "command_timeout": listener.patience,
        "close_timeout": 1.0,
    }
    urls = {"main": listener.main, "second": listener.second}
    profiles = {name: DatabaseSettings(database_url=url, **shared) for name, url in urls.items()}
    data = DataModule(settings=DataSettings(default="main", profiles=profiles))
    scene = Scene(
        listener.database,
        data.session,
        lambda: {name: data.pool_status(name).checked_out for name in urls},
        listener.patience,
    )
    return module.build(data), scene


def _naive(module: Any, listener: Listener) -> tuple[Any, Scene]:
    engine = create_async_engine(listener.main, pool_size=1, max_overflow=0, pool_timeout=1)
    maker = async_sessionmaker(engine, expire_on_commit=False)

    def open_session() -> AbstractAsyncContextManager[AsyncSession]:
        return maker()

    def checked_out() -> dict[str, int]:
        return {"main": cast("QueuePool", engine.pool).checkedout(), "second": 0}

    return module.build_naive(maker), Scene(listener.database, open_session, checked_out, listener.patience)


async def serve(host: str, listeners: list[Listener]) -> None:
    """Serve until standard input ends."""
    stop = asyncio.Event()
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in listeners]
    servers = [_SERVERS[each.server] for each in listeners]
    apps = [application(host, each) for each in listeners]
    sys.stdout.write(json.dumps([each.getsockname()[1] for each in sockets]) + "\n")
    sys.stdout.flush()
    async with asyncio.TaskGroup() as group:
        for run, app, sock in zip(servers, apps, sockets, strict=True):
            group.create_task(run(app, sock, stop))
        await asyncio.to_thread(sys.stdin.read)
        stop.set()


async def _uvicorn(app: Witness, sock: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(app, lifespan="on", http="h11", ws="none", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)

    async def stop_in_time() -> None:
        await stop.wait()
        server.should_exit = True

    await asyncio.gather(server.serve([sock]), stop_in_time())


def _hypercorn(app: Witness, sock: socket.socket, stop: asyncio.Event) -> Awaitable[None]:
    config = hypercorn.config.Config()
    config.bind = [f"fd://{sock.fileno()}"]
    config.graceful_timeout = 1
    return hypercorn.asyncio.serve(app, config, shutdown_trigger=stop.wait)


_SERVERS: dict[str, Any] = {"uvicorn": _uvicorn, "hypercorn": _hypercorn}

if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], [Listener(**each) for each in json.loads(sys.argv[2])]))
