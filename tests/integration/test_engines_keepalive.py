"""The kernel probes every connection to a server, whatever its kind (ADR 19)."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.connect.tcp_keepalive import (
    IDLE,
    INTERVAL,
    PROBES,
    UNACKNOWLEDGED,
    enable_keepalive,
    tcp_options,
)
from myfy_data.engines.factory import open_engine_handle
from myfy_data.sessions.commit_outcome import unknown_reason
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import close_server
from tests.faults.proxy import fault_proxy
from tests.tcp_proxy import Relay

BOTH = pytest.mark.parametrize("url", ["postgresql_url", "mysql_url"], indirect=True)
LINUX = pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this platform has other options")


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


async def select_one(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text("SELECT 1"))).scalar_one())


def told(transport: asyncio.BaseTransport | None) -> list[int]:
    """What the kernel says of a socket: the value of each option that we set."""
    assert transport is not None
    sock = transport.get_extra_info("socket")
    return [sock.getsockopt(level, option) for level, option, _ in tcp_options()]


WANTED = [value for _, _, value in tcp_options()]


@BOTH
async def test_each_new_connection_is_watched(url: str) -> None:
    opened = open_engine_handle("main", DatabaseSettings(database_url=url))
    await select_one(opened.engine)

    (connection,) = opened.backend.connections

    found = told(opened.backend.transport(connection))
    await opened.close()
    assert found == WANTED


@LINUX
def test_the_platform_is_told_everything() -> None:
    assert WANTED == [1, IDLE, INTERVAL, PROBES, UNACKNOWLEDGED * 1000]


@asynccontextmanager
async def by_unix_socket(url: str) -> AsyncIterator[str]:
    """The same server behind a Unix socket, and the URL that leads there."""
    parts = urlsplit(url)
    relay = Relay(parts.hostname or "", parts.port or 0)
    with tempfile.TemporaryDirectory() as folder:  # a short path: the kernel takes no more than 107 bytes
        path = Path(folder, ".s.PGSQL.5432")
        server = await asyncio.start_unix_server(relay.accept, path)
        query = f"host={folder}" if url.startswith("postgresql") else f"unix_socket={path}"
        try:
            yield f"{parts.scheme}://{parts.username}@{parts.path}?{query}"
        finally:
            await close_server(server)
            await relay.close()


@BOTH
async def test_a_unix_socket_is_left_alone(url: str) -> None:
    async with by_unix_socket(url) as through:
        opened = open_engine_handle("main", DatabaseSettings(database_url=through, tls="disable"))
        assert await select_one(opened.engine) == 1
        (connection,) = opened.backend.connections
        transport = opened.backend.transport(connection)

        assert transport is not None
        sock = transport.get_extra_info("socket")
        assert sock.family == socket.AF_UNIX
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        await opened.close()


async def test_a_line_with_tls_is_watched() -> None:
    authority = trustme.CA()
    server_side, client_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server_side)
    authority.configure_trust(client_side)
    ends: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: ends.append(writer), "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_side, server_hostname="localhost")

    enable_keepalive(writer.transport)

    found = told(writer.transport)
    for end in (writer, *ends):
        end.transport.abort()
    await close_server(server)
    assert found == WANTED


def test_a_connection_without_a_transport_needs_no_watch() -> None:
    enable_keepalive(None)


@BOTH
@pytest.mark.parametrize("end", ["statement", "commit"])
async def test_a_line_that_the_kernel_gave_up_is_a_lost_connection(url: str, end: str) -> None:
    async with fault_proxy(url) as (proxy, through):
        opened = open_engine_handle("main", DatabaseSettings(database_url=through))
        async with opened.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            driver = (await connection.get_raw_connection()).driver_connection
            proxy.silence(then=partial(give_up, opened.backend.transport(driver)))

            with pytest.raises(DBAPIError) as caught:
                await (connection.commit() if end == "commit" else connection.execute(text("SELECT 2")))

            assert connection.invalidated
        await opened.close()
    assert caught.value.connection_invalidated
    assert not isinstance(caught.value, TimeoutError)
    assert (unknown_reason(caught.value) is not None) == (end == "commit")


def give_up(transport: Any) -> None:
    """What asyncio does when the kernel reports that a peer acknowledges nothing."""
    transport._force_close(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
