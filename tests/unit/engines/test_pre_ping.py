"""The check of idle connections, on a backend that says what a test wants."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError

from myfy_data.engines.listeners import pre_ping
from myfy_data.engines.listeners.pre_ping import PrePing, has_news, line_state
from myfy_data.settings.database_settings import DatabaseSettings


class Backend:
    """A backend of one connection."""

    def __init__(self, *, closed: bool = False, alive: bool = True, silent: bool = False, idle: float = 0.0) -> None:
        self.settings = DatabaseSettings(
            database_url="postgresql://db/main", pool_pre_ping_idle=idle, connect_timeout=0.05 if silent else 60.0
        )
        self.closed, self.alive, self.silent = closed, alive, silent
        self.pings = self.aborts = self.unverified = 0

    def is_closed(self, _connection: object) -> bool:
        return self.closed

    proves_itself = False

    def transport(self, _connection: object) -> None:
        return None

    def abort(self, _connection: object) -> None:
        self.aborts += 1

    def mark_unverified(self, _connection: object, _record: object) -> None:
        self.unverified += 1

    async def ping(self, _connection: object) -> None:
        self.pings += 1
        if self.silent:
            await asyncio.Event().wait()
        if not self.alive:
            raise ConnectionResetError


class Record:
    """A pool's record, and the adapter of its connection."""

    driver_connection = object()

    def __init__(self) -> None:
        self.info: dict[str, Any] = {}

    def run_async(self, ask: Any) -> None:
        with asyncio.Runner() as runner:
            runner.run(ask(self.driver_connection))


@pytest.fixture(autouse=True)
def plain_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pre_ping, "adapted", lambda connection: connection)


def check(backend: Backend, *, used: bool = True) -> None:
    checker, record = PrePing(backend), Record()  # type: ignore[arg-type]  # a stand-in
    if used:
        checker.note_use(record, record)  # type: ignore[arg-type]  # a stand-in
    checker.check(record, record, None)  # type: ignore[arg-type]  # a stand-in


def test_a_connection_that_was_just_opened_is_not_asked() -> None:
    backend = Backend(alive=False)

    check(backend, used=False)

    assert backend.pings == 0


def test_a_hot_connection_is_not_asked() -> None:
    backend = Backend(alive=False, idle=60)

    check(backend)

    assert (backend.pings, backend.unverified) == (0, 1)  # its first message is to prove it


def test_no_socket_is_looked_at_where_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    backend, looks = Backend(alive=False), []
    backend.settings = DatabaseSettings(database_url="postgresql://db/main", pool_pre_ping=False)
    monkeypatch.setattr(pre_ping, "line_state", looks.append)

    check(backend)

    assert (backend.pings, looks) == (0, [])


def test_an_idle_connection_is_asked_once() -> None:
    backend = Backend()

    check(backend)

    assert (backend.pings, backend.aborts) == (1, 0)


def test_a_closed_connection_is_replaced_alone() -> None:
    with pytest.raises(DisconnectionError) as caught:
        check(Backend(closed=True, idle=60))

    assert not caught.value.invalidate_pool


@pytest.mark.parametrize("backend", [Backend(alive=False), Backend(silent=True)], ids=["dead", "silent"])
def test_a_connection_that_does_not_answer_is_aborted_and_the_pool_replaced(backend: Backend) -> None:
    with pytest.raises(InvalidatePoolError):
        check(backend)

    assert backend.aborts == 1


# -- what the kernel knows of a line ---------------------------------------------------------------------------


class Transport:
    """A transport that shows its socket."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end

    def get_extra_info(self, _name: str) -> socket.socket:
        return self.end


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return client, server.accept()[0]


@pytest.mark.parametrize("counts", [True, False])
def test_a_quiet_line_has_no_news(counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not counts:
        monkeypatch.setattr(pre_ping, "TCP_INFO", None)
    ours, theirs = tcp_pair()
    transport: Any = Transport(ours)
    with ours, theirs:
        assert not has_news(transport, line_state(transport))


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("end", ["a word", "good-bye", "reset"])
def test_whatever_comes_in_is_news(end: str, counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not counts:
        monkeypatch.setattr(pre_ping, "TCP_INFO", None)
    ours, theirs = tcp_pair()
    transport: Any = Transport(ours)
    with ours, theirs:
        before = line_state(transport)
        if end == "a word":
            theirs.send(b"word")
        elif end == "good-bye":
            theirs.shutdown(socket.SHUT_WR)
        else:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            theirs.close()

        assert has_news(transport, before)


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="the kernel does not tell")
def test_a_word_that_was_read_already_is_news_still() -> None:
    """The driver may have read the server's last word and not yet know that the socket is closed."""
    ours, theirs = tcp_pair()
    transport: Any = Transport(ours)
    with ours, theirs:
        before = line_state(transport)
        theirs.send(b"word")
        ours.recv(4)

        assert has_news(transport, before)
