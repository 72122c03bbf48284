"""A server that answers COMMIT by a script, in the words of databases that cannot be had here.

Behind it stands a real one of the same protocol, which is told to roll back in place of each COMMIT that the script
refuses. So what is tested is the wire and our half of it, not those databases.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.asyncio_servers import close_server
from tests.faults.framing import Conversation
from tests.faults.messages import Message, commit
from tests.faults.mysql import MySQLConversation
from tests.faults.postgresql import PostgreSQLConversation

HOST = "127.0.0.1"
ROLLBACK = b"ROLLBACK"

Refuse = tuple[Callable[[], Conversation], bytes, Callable[[str, str], bytes]]
"""The protocol; what rolls back in it; a refusal with a code and words."""


def _postgresql_refusal(code: str, words: str) -> bytes:
    fields = f"SERROR\0VERROR\0C{code}\0M{words}\0\0".encode()
    return b"E" + struct.pack(">I", 4 + len(fields)) + fields + b"Z" + struct.pack(">I", 5) + b"I"


def _mysql_refusal(code: str, words: str) -> bytes:
    body = b"\xff" + struct.pack("<H", int(code)) + b"#HY000" + words.encode()
    return struct.pack("<I", len(body))[:3] + b"\x01" + body


_PROTOCOLS: dict[str, Refuse] = {
    "postgresql": (
        PostgreSQLConversation,
        b"Q" + struct.pack(">I", 5 + len(ROLLBACK)) + ROLLBACK + b"\0",
        _postgresql_refusal,
    ),
    "mysql": (
        MySQLConversation,
        struct.pack("<I", 1 + len(ROLLBACK))[:3] + b"\x00\x03" + ROLLBACK,
        _mysql_refusal,
    ),
}


class ScriptedCommit:
    """The server.

    Attributes:
        script: codes that the next COMMITs are refused with, and the words beside each; those after them are passed on.
        refused: how many were.
        rollback: what rolls back in the protocol.
    """

    def __init__(self, kind: str, target: tuple[str, int], script: Sequence[tuple[str, str]]) -> None:
        self._make, self.rollback, self._refuse = _PROTOCOLS[kind]
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []
        self.script = list(script)
        self.refused = 0

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        server = await asyncio.open_connection(*self._target)
        self._writers += [writer, server[1]]
        line = _Line(self, self._make(), writer, server[1])
        tasks = [
            asyncio.create_task(_each(reader, line.hear_client)),
            asyncio.create_task(_each(server[0], line.hear_server)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.end()
        await asyncio.gather(*tasks, return_exceptions=True)

    def refusal_of(self, message: Message) -> bytes | None:
        """What a message is refused with; None for one that is passed on."""
        if not commit(message) or not self.script:
            return None
        self.refused += 1
        return self._refuse(*self.script.pop(0))

    def end(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


class _Line:
    """One connection."""

    def __init__(
        self,
        scripted: ScriptedCommit,
        conversation: Conversation,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
    ) -> None:
        self._scripted, self._conversation = scripted, conversation
        self._client, self._server = client, server
        self._refusals: dict[int | None, bytes] = {}

    def hear_client(self, data: bytes) -> None:
        for sent in self._conversation.sent(data):
            refusal = self._scripted.refusal_of(sent.message)
            if sent.message.kind == "ssl-request":
                self._client.write(b"N")
            elif refusal is None:
                self._server.write(sent.data)
            else:
                self._refusals[sent.number] = refusal
                self._server.write(self._scripted.rollback)

    def hear_server(self, data: bytes) -> None:
        for answer in self._conversation.answered(data):
            if answer.number not in self._refusals:
                self._client.write(answer.data)
            elif answer.is_last:
                self._client.write(self._refusals.pop(answer.number))


async def _each(reader: asyncio.StreamReader, hear: Callable[[bytes], None]) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            hear(data)


@asynccontextmanager
async def scripted_commit(kind: str, url: str, script: Sequence[tuple[str, str]]) -> AsyncIterator[str]:
    """The URL of a database, by way of a server that refuses its next COMMITs by a script.

    Raises:
        AssertionError: it did not refuse all of them.
    """
    parts = urlsplit(url)
    scripted = ScriptedCommit(kind, (parts.hostname or HOST, parts.port or 0), script)
    server = await asyncio.start_server(scripted.accept, HOST, 0)
    account = parts.netloc.rpartition("@")[0]
    try:
        yield parts._replace(netloc=f"{account}@{HOST}:{server.sockets[0].getsockname()[1]}").geturl()
    finally:
        await close_server(server)
        scripted.end()
    assert scripted.refused == len(script), f"{scripted.refused} of {len(script)} COMMITs came"
