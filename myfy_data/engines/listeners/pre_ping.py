"""No connection that went stale while idle reaches the user, and a hot one costs no round trip (contract C10)."""

from __future__ import annotations

import asyncio
import select
import socket as socket_constants
import time
from socket import IPPROTO_TCP
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from myfy_data.engines.connect.backend import AnyBackend, adapted

_LAST_USE = "myfy_last_use"

TCP_INFO: int | None = getattr(socket_constants, "TCP_INFO", None)
_RECEIVED, _INFO_SIZE = 128, 136
"""Where Linux's `struct tcp_info` has the count of received bytes; the state is its first byte."""


def attach_pre_ping(engine: Engine, backend: AnyBackend) -> None:
    """Check idle connections of an engine when they are checked out."""
    checker = PrePing(backend)
    event.listen(engine, "checkin", checker.note_use)
    event.listen(engine, "checkout", checker.check)


class PrePing:
    """Three questions to a connection that comes out of the pool, the cheap ones first.

    Is it closed? Then it is replaced. Was it idle for `pool_pre_ping_idle` seconds? Then it is pinged, in one round
    trip with a deadline. Otherwise PostgreSQL's proves itself by its first message. Another one is pinged when it
    received unrequested bytes, by which a server says that it ends; else its first message proves it where that reads.
    """

    def __init__(self, backend: AnyBackend) -> None:
        self._backend = backend

    def note_use(self, dbapi_connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        """Remember when the connection came back, and in which state its socket was."""
        if dbapi_connection is not None:
            watched = self._backend.settings.pool_pre_ping and not self._backend.proves_itself
            line = line_state(self._backend.transport(dbapi_connection.driver_connection)) if watched else None
            record.info[_LAST_USE] = (time.monotonic(), line)

    def check(self, dbapi_connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Let the pool replace a dead connection.

        Raises:
            DisconnectionError: it is known to be closed; the pool opens another one in its place.
            InvalidatePoolError: the server did not answer; every other idle connection is replaced as well.
        """
        last_use = record.info.get(_LAST_USE)
        settings = self._backend.settings  # those of now: a reload may have changed them
        if last_use is None or not settings.pool_pre_ping:
            return  # just opened
        used, line = last_use
        driver = dbapi_connection.driver_connection
        if self._backend.is_closed(driver):
            self._backend.abort(driver)
            raise DisconnectionError("the connection was closed while it was idle")
        is_idle = time.monotonic() - used >= settings.pool_pre_ping_idle
        if is_idle or (not self._backend.proves_itself and has_news(self._backend.transport(driver), line)):
            adapted(dbapi_connection).run_async(self._ping)
        else:
            self._backend.mark_unverified(dbapi_connection, record)

    async def _ping(self, driver: object) -> None:
        settings = self._backend.settings
        try:
            async with asyncio.timeout(min(settings.connect_timeout, settings.command_timeout)):
                await self._backend.ping(driver)
        except Exception:  # noqa: BLE001 - whatever it is, the connection is not fit for use
            self._backend.abort(driver)
        else:
            return
        raise InvalidatePoolError("the connection did not answer a ping")


def line_state(transport: asyncio.BaseTransport | None) -> bytes | None:
    """The state of a TCP socket and the bytes that came in, as the kernel counts them; None where it does not tell.

    A server says that it ends before it disconnects. The driver may have read the one and not yet seen the other:
    then nothing waits in the socket, and only the count tells.
    """
    socket = transport.get_extra_info("socket") if transport is not None else None
    if socket is None or TCP_INFO is None:
        return None
    try:
        info: bytes = socket.getsockopt(IPPROTO_TCP, TCP_INFO, _INFO_SIZE)
    except OSError:  # closed, or no TCP
        return None
    return info[:1] + info[_RECEIVED:]


def has_news(transport: asyncio.BaseTransport | None, before: bytes | None) -> bool:
    """Whether unrequested bytes came in since the socket was in state `before`."""
    if before is not None:
        return line_state(transport) != before
    socket = transport.get_extra_info("socket") if transport is not None else None
    return socket is not None and socket.fileno() >= 0 and bool(select.select([socket], [], [], 0)[0])
