"""A server that wants the password, or a man in the middle who plays one, gets nothing (contract C9)."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from myfy_data.engines.postgresql import login as asyncpg_login
from myfy_data.engines.postgresql.login import is_private
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DatabaseConnectionError, UnsupportedPackageError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE, close_server

PASSWORD = "S3cr3t-pw"
TLS_REQUEST = struct.pack(">I", 80877103)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", 4 + len(body)) + body


def request(kind: int, body: bytes = b"") -> bytes:
    return message(b"R", struct.pack(">I", kind) + body)


CLEAR_TEXT = request(3)
SCRAM = request(10, b"SCRAM-SHA-256\0\0")
WELCOME = request(0) + message(b"S", b"server_version\x0016.0\0") + message(b"K", bytes(8)) + message(b"Z", b"I")
LEAVE = message(b"E", b"SFATAL\0VFATAL\0C57P03\0Mshutting down\0\0")


@dataclass
class Rogue:
    """A PostgreSQL server that offers no TLS, asks for what it likes, and keeps whatever it is sent.

    Attributes:
        ask: what it says to a client that has named itself.
        pieces: whether it says it byte by byte.
        answer: what it says to each further message, given that one.
    """

    ask: bytes = CLEAR_TEXT
    pieces: bool = False
    answer: Callable[[bytes], bytes] = lambda _: LEAVE
    received: bytes = b""
    port: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # it left before it had said anything
            while (await self.read(reader))[:4] == TLS_REQUEST:
                writer.write(b"N")
            await self.say(writer, self.ask)
            while data := await reader.read(4096):
                self.received += data
                await self.say(writer, self.answer(data))
        writer.close()
        self.ended.set()

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        size = struct.unpack(">I", await reader.readexactly(4))[0]
        return await reader.readexactly(size - 4)

    async def say(self, writer: asyncio.StreamWriter, words: bytes) -> None:
        for part in [words[i : i + 1] for i in range(len(words))] if self.pieces else [words]:
            writer.write(part)
            await asyncio.sleep(0)


@asynccontextmanager
async def served(rogue: Rogue) -> AsyncIterator[Rogue]:
    server = await asyncio.start_server(rogue.serve, "127.0.0.1", 0)
    rogue.port = server.sockets[0].getsockname()[1]
    try:
        yield rogue
    finally:
        await close_server(server)


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is another machine."""
    monkeypatch.setattr(socket.socket, "getpeername", lambda _: ("192.0.2.1", 5432))


async def connect(rogue: Rogue, **settings: object) -> Exception:
    url = f"postgresql://app:{PASSWORD}@127.0.0.1:{rogue.port}/main"
    registry = EngineRegistry(
        {"main": DatabaseSettings(**{"database_url": url, "connect_timeout": PATIENCE, **settings})}
    )
    with pytest.raises((DatabaseConnectionError, UnsupportedPackageError)) as caught:
        async with registry.get("main").connect():
            pass
    await registry.close()
    async with asyncio.timeout(PATIENCE):
        await rogue.ended.wait()
    return caught.value


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize("tls", ["prefer", "disable"])
@pytest.mark.parametrize("pieces", [False, True], ids=["at once", "byte by byte"])
async def test_a_far_server_that_asks_for_clear_text_gets_nothing(tls: str, pieces: bool) -> None:
    async with served(Rogue(pieces=pieces)) as rogue:
        error = await connect(rogue, tls=tls)

    assert rogue.received == b""
    assert isinstance(error, DatabaseConnectionError)
    assert error.reason == "the server asks for the password in clear text, on a line without TLS"
    assert 'fix: tls = "verify-full"' in str(error)


@pytest.mark.usefixtures("far_away")
async def test_a_password_that_the_driver_finds_is_kept_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    async with served(Rogue()) as rogue:
        await connect(rogue, database_url=f"postgresql://app@127.0.0.1:{rogue.port}/main")

    assert rogue.received == b""


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize(
    "before",
    [message(b"N", b"SNOTICE\0\0"), b"J\0\0\0\x0agreets", message(b"S", b"a\0b\0"), b"X\x7f\xff\xff\xff"],
    ids=["a notice", "another protocol", "a setting", "a message without an end"],
)
async def test_clear_text_is_refused_behind_other_words(before: bytes) -> None:
    async with served(Rogue(before + CLEAR_TEXT)) as rogue:
        await connect(rogue, connect_timeout=1)

    assert PASSWORD.encode() not in rogue.received


async def test_on_this_machine_clear_text_is_an_answer() -> None:
    async with served(Rogue()) as rogue:
        await connect(rogue)

    assert rogue.received == message(b"p", PASSWORD.encode() + b"\0")


@pytest.mark.usefixtures("far_away")
async def test_the_password_is_scrambled_with_md5() -> None:
    async with served(Rogue(request(5, b"salt"))) as rogue:
        await connect(rogue)

    assert rogue.received.startswith(b"p\0\0\0\x28md5")


def rounds_of_scram(number: bytes) -> Callable[[bytes], bytes]:
    def answer(data: bytes) -> bytes:
        nonce = re.search(rb"r=([^,]+)", data)
        if nonce is None or b"p=" in data:
            return LEAVE
        salt = base64.b64encode(b"salt")
        return request(11, b"r=" + nonce[1] + b"more,s=" + salt + b",i=" + number)

    return answer


@pytest.mark.parametrize("number", [b"1000001", b"2147483647", b"4294967296", b"9" * 40])
async def test_too_many_rounds_of_scram_are_refused_before_the_first(number: bytes) -> None:
    async with served(Rogue(SCRAM, answer=rounds_of_scram(number))) as rogue:
        error = await connect(rogue)

    assert b"p=" not in rogue.received
    assert isinstance(error, DatabaseConnectionError)
    assert "more than 1,000,000 rounds of SCRAM" in error.reason


async def test_so_many_as_servers_ask_for_are_computed() -> None:
    async with served(Rogue(SCRAM, answer=rounds_of_scram(b"4096"))) as rogue:
        await connect(rogue)

    assert b",p=" in rogue.received


@pytest.mark.usefixtures("far_away")
async def test_where_our_part_of_the_log_in_is_passed_by_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncpg_login.GuardedLogin, "data_received")
    async with served(Rogue()) as rogue:
        await connect(rogue)

    assert rogue.received == b""


async def test_a_connection_whose_log_in_was_not_read_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(asyncpg_login.GuardedLogin, "data_received")
    async with served(Rogue(WELCOME)) as rogue:
        error = await connect(rogue)

    assert isinstance(error, UnsupportedPackageError)
    assert "past what refuses a password in clear text" in str(error)


def transport(**shown: Any) -> Any:
    return SimpleNamespace(get_extra_info=shown.get)


def line_to(address: str) -> Any:
    return SimpleNamespace(family=socket.AF_INET6, getpeername=lambda: (address, 5432))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_private(address: str) -> None:
    assert is_private(transport(socket=line_to(address)))


@pytest.mark.parametrize("address", ["10.0.0.1", "192.0.2.1", "fe80::1%eth0", "::ffff:10.0.0.1", "0.0.0.0", "db"])
def test_another_machine_is_not(address: str) -> None:
    assert not is_private(transport(socket=line_to(address)))


def test_a_socket_of_this_machine_and_tls_are_private() -> None:
    assert is_private(transport(socket=SimpleNamespace(family=socket.AF_UNIX)))
    assert is_private(transport(socket=line_to("192.0.2.1"), ssl_object=object()))


@pytest.mark.parametrize("unknown", [None, transport()])
def test_a_line_that_shows_nothing_is_not(unknown: Any) -> None:
    assert not is_private(unknown)
