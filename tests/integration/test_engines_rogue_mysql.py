"""A server that wants the password, or a man in the middle who plays one, gets nothing (contract C9)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.urls import ConnectionURL
from tests.asyncio_servers import PATIENCE, close_server

PASSWORD = "S3cr3t-pw"

OFFERS_TLS = 0x800
TLS_REQUEST = 36
"""Bytes of the packet that asks for TLS."""

CAPABILITIES = (
    0x00000001 | 0x00000008 | 0x00000200 | 0x00008000 | 0x00080000
)  # password, database, 4.1, scramble, plugins
SALT = b"12345678abcdefghijkl"


@dataclass
class Rogue:
    """A MySQL server that greets, asks for a login of its choice, and keeps whatever it is sent.

    Attributes:
        capabilities: what the greeting says it can do.
        greeting_plugin: the way to log in that the greeting names.
        switch: the packet that answers the client's log-in; none: disconnect.
    """

    capabilities: int = CAPABILITIES
    greeting_plugin: bytes = b"mysql_native_password"
    switch: bytes | None = None
    received: bytes = b""
    port: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def greeting(self) -> bytes:
        low, high = self.capabilities & 0xFFFF, self.capabilities >> 16
        return (
            b"\x0a8.0.30\0"
            + struct.pack("<I", 7)
            + SALT[:8]
            + b"\0"
            + struct.pack("<HBHHB", low, 45, 2, high, 21)
            + bytes(10)
            + SALT[8:]
            + b"\0"
            + self.greeting_plugin
            + b"\0"
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting = self.greeting()
        writer.write(struct.pack("<I", len(greeting)) + greeting)
        if self.capabilities & OFFERS_TLS:
            self.received += await reader.readexactly(TLS_REQUEST)
        if self.switch is not None:
            self.received += await reader.read(4096)
            writer.write(struct.pack("<I", len(self.switch) | 2 << 24) + self.switch)
        while data := await reader.read(4096):
            self.received += data
        writer.close()
        self.ended.set()


@asynccontextmanager
async def served(rogue: Rogue) -> AsyncIterator[Rogue]:
    server = await asyncio.start_server(rogue.serve, "127.0.0.1", 0)
    rogue.port = server.sockets[0].getsockname()[1]
    try:
        yield rogue
    finally:
        await close_server(server)


async def connect(rogue: Rogue, **settings: object) -> DatabaseConnectionError:
    url = f"mysql://app:{PASSWORD}@127.0.0.1:{rogue.port}/main"
    registry = EngineRegistry(
        {"main": DatabaseSettings(**{"database_url": url, "connect_timeout": PATIENCE, **settings})}
    )
    with pytest.raises(DatabaseConnectionError) as caught:
        async with registry.get("main").connect():
            pass
    await registry.close()
    async with asyncio.timeout(PATIENCE):
        await rogue.ended.wait()
    return caught.value


@pytest.mark.parametrize("tls", ["require", "verify-ca", "verify-full"])
async def test_not_a_byte_is_sent_when_tls_is_not_offered(tls: str) -> None:
    async with served(Rogue(greeting_plugin=b"mysql_clear_password")) as rogue:
        error = await connect(rogue, tls=tls)

    assert rogue.received == b""
    assert error.reason == "the server offers no TLS, so nothing was sent"


async def test_a_server_that_offers_tls_and_then_does_not_speak_it_gets_no_login() -> None:
    async with served(Rogue(capabilities=CAPABILITIES | OFFERS_TLS, switch=b"what is TLS?")) as rogue:
        await connect(rogue, tls="require")

    # The request for TLS and the client's half of the handshake: no user, no password.
    assert len(rogue.received) > TLS_REQUEST
    assert b"app" not in rogue.received
    assert PASSWORD.encode() not in rogue.received


async def test_a_greeting_that_asks_for_the_clear_password_gets_nothing() -> None:
    async with served(Rogue(greeting_plugin=b"mysql_clear_password")) as rogue:
        error = await connect(rogue)

    assert rogue.received == b""
    assert "'mysql_clear_password' on a line without TLS" in error.reason


@pytest.mark.parametrize(
    "switch",
    [b"\xfemysql_clear_password\0", b"\xfemysql_old_password\0" + SALT, b"\xfedialog\0", b"\xfe", b"\xfe" + SALT],
    ids=["clear password", "old password", "dialog", "old protocol", "old protocol with salt"],
)
async def test_a_switch_to_an_unsafe_login_gets_no_answer(switch: bytes) -> None:
    async with served(Rogue(switch=switch)) as rogue:
        error = await connect(rogue)

    first_answer = struct.unpack("<I", rogue.received[:3] + b"\0")[0] + 4
    assert len(rogue.received) == first_answer
    assert PASSWORD.encode() not in rogue.received
    assert "on a line without TLS" in error.reason


async def test_a_server_that_names_no_logins_gets_no_old_one() -> None:
    async with served(Rogue(capabilities=0x8201, switch=b"\xfemysql_native_password\0" + SALT)) as rogue:
        error = await connect(rogue)

    assert "'mysql_old_password' on a line without TLS" in error.reason


@pytest.mark.parametrize(
    ("plugin", "switch"),
    [(b"caching_sha2_password", b"\x01\x04"), (b"mysql_native_password", b"\xfesha256_password\0" + SALT)],
)
async def test_a_key_of_unknown_origin_is_not_asked_for(
    plugin: bytes, switch: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that sends the key can read the password that is encrypted with it."""
    monkeypatch.setattr(ConnectionURL, "is_loopback", False)
    async with served(Rogue(greeting_plugin=plugin, switch=switch)) as rogue:
        error = await connect(rogue)

    first_answer = struct.unpack("<I", rogue.received[:3] + b"\0")[0] + 4
    assert len(rogue.received) == first_answer
    assert 'tls = "verify-full"' in str(error)


async def test_a_clear_password_that_the_profile_itself_asks_for_needs_tls() -> None:
    async with served(Rogue()) as rogue:
        await connect(rogue, connect_args={"auth_plugin": "mysql_clear_password"})

    assert rogue.received == b""


async def test_mysqls_word_for_a_server_that_lets_nobody_in_without_tls() -> None:
    """MySQL's alone; what MariaDB says stands in the tests of TLS."""
    refusal = b"\xff" + struct.pack("<H", 3159) + b"#HY000Connections using insecure transport are prohibited"
    async with served(Rogue(switch=refusal)) as rogue:
        error = await connect(rogue)

    assert error.reason == "the server lets nobody in without TLS"
    assert str(error).endswith('\n  fix: tls = "verify-full", or "require" where you trust the line')


@pytest.mark.parametrize("tls", ["disable", "require"])
async def test_a_server_that_speaks_anything_but_the_protocol_is_left(tls: str) -> None:
    """A disconnect in the middle of the log-in is an error in words, not a hang."""
    async with served(Rogue(capabilities=0, switch=b"\xff\x15\x04#28000no")) as rogue:
        error = await connect(rogue, tls=tls)

    assert error.profile == "main"
