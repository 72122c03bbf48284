"""One connection through the proxy: two streams, a conversation, and the fault that may fall on it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from tests.faults.framing import Answer, Conversation, Sent
from tests.faults.messages import CONNECT, Message
from tests.faults.rules import Fault, Rule

CHUNK = 65536

_REQUESTS_FOR_TLS = frozenset({"ssl-request", "gss-request"})
_NO = b"N"
"""The answer to them, which the proxy gives itself: it could not read what follows a yes."""

_DEAF = frozenset({Fault.RESET, Fault.HALF_CLOSE, Fault.BLACK_HOLE})
"""Faults after which nothing goes on to the server."""

_MUTE = _DEAF | {Fault.LOSE_REPLY, Fault.LOSE_REPLY_AND_CLOSE}
"""Faults after which nothing comes back."""

_SILENT = frozenset({Fault.HALF_CLOSE, Fault.BLACK_HOLE, Fault.LOSE_REPLY})
"""Faults after which the connection stays up."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line:
    """Passes messages on, both ways, until a fault falls on one.

    Args:
        client: the client's streams.
        server: the server's streams.
        conversation: what the bytes mean.
        judge: gives the rule that falls on a message, or None.
        count_round_trip: called when the answer to something begins.
    """

    def __init__(
        self,
        client: Streams,
        server: Streams,
        conversation: Conversation,
        judge: Callable[[Message], Rule | None],
        count_round_trip: Callable[[], None],
    ) -> None:
        self._from_client, self._to_client = client
        self._from_server, self._to_server = server
        self._conversation = conversation
        self._judge = judge
        self._count_round_trip = count_round_trip
        self._rule: Rule | None = None
        self._number = 0  # the message that the rule fell on
        self._is_awaited = False
        self._is_deaf = False
        self.is_silent = False
        self.when_unheard: Callable[[], object] = lambda: None
        self.lost_something = False

    async def serve(self) -> None:
        """Serve until either side has gone; a client that hears nothing is not told that the server has."""
        try:
            await self._allows(Sent(0, CONNECT, b""))
            hearing_client = asyncio.create_task(self._hear_client())
            hearing_server = asyncio.create_task(self._hear_server())
            await self._until_over(hearing_client, hearing_server)
        finally:
            self.close()

    async def _until_over(self, hearing_client: asyncio.Task[None], hearing_server: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait([hearing_client, hearing_server], return_when=asyncio.FIRST_COMPLETED)
            if self._hides_the_end:
                if self._rule is not None and hearing_server.done():
                    self._rule.then()
                await hearing_client
        finally:
            hearing_client.cancel()
            hearing_server.cancel()
            await asyncio.gather(hearing_client, hearing_server, return_exceptions=True)

    @property
    def _hides_the_end(self) -> bool:
        return self.is_silent or (self._rule is not None and self._rule.fault in _SILENT)

    # -- from the client -----------------------------------------------------------------------------------------

    async def _hear_client(self) -> None:
        while data := await _read(self._from_client):
            for sent in self._conversation.sent(data):
                await self._pass_to_server(sent)
            await _drain(self._to_server)

    async def _pass_to_server(self, sent: Sent) -> None:
        if self._is_deaf or self.is_silent:
            self.lost_something = True
            if self.is_silent:
                self.when_unheard()
        elif sent.message.kind in _REQUESTS_FOR_TLS:
            self._to_client.write(_NO)
        elif await self._allows(sent):
            self._to_server.write(sent.data)
            self._is_awaited = True

    async def _allows(self, sent: Sent) -> bool:
        """Let a fault fall on a message; whether the message goes on to the server."""
        rule = self._judge(sent.message)
        if rule is not None:
            await _drain(self._to_server)
            self._rule, self._number = rule, sent.number
            self._is_deaf = rule.fault in _DEAF
            self.lost_something = rule.fault is not Fault.DELAY
            await self._fall(rule)
        return not (self._is_deaf or self.is_silent)

    async def _fall(self, rule: Rule) -> None:
        if rule.fault is Fault.DELAY:
            await asyncio.sleep(rule.seconds)
        elif rule.fault is Fault.RESET:
            self.reset()
        elif rule.fault is Fault.HALF_CLOSE:
            self._to_client.write_eof()
        elif rule.fault is Fault.BLACK_HOLE:
            rule.then()

    # -- from the server -----------------------------------------------------------------------------------------

    async def _hear_server(self) -> None:
        while data := await _read(self._from_server):
            for answer in self._conversation.answered(data):
                if self._is_awaited:
                    self._is_awaited = False
                    self._count_round_trip()
                if self._breaks(answer):
                    return
            await _drain(self._to_client)

    def _breaks(self, answer: Answer) -> bool:
        """Pass an answer on, unless the fault forbids it; whether the connection ends here."""
        rule = self._rule if answer.number is None or answer.number >= self._number else None
        if self.is_silent or (rule is not None and rule.fault in _MUTE):
            self.lost_something = True
            return rule is not None and self._is_over(rule, answer)
        if rule is not None and rule.fault is Fault.CUT:
            self._to_client.write(answer.data[: len(answer.data) // 2 if rule.at is None else rule.at])
            return True
        self._to_client.write(answer.data)
        return False

    def _is_over(self, rule: Rule, answer: Answer) -> bool:
        """Whether the connection ends when an answer was swallowed."""
        if rule.fault is Fault.LOSE_REPLY and self._is_complete(answer):
            rule.then()
        return rule.fault is Fault.LOSE_REPLY_AND_CLOSE and self._is_complete(answer)

    def _is_complete(self, answer: Answer) -> bool:
        return answer.number is not None and (answer.number > self._number or answer.is_last)

    # -- the end -------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Reset both connections: TCP's RST, not its FIN."""
        for writer in (self._to_client, self._to_server):
            _refuse_to_linger(writer)
            writer.transport.abort()

    def close(self) -> None:
        """Close both connections."""
        for writer in (self._to_client, self._to_server):
            writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """What came in; nothing when the other side has gone, however it went."""
    try:
        return await reader.read(CHUNK)
    except OSError:
        return b""


async def _drain(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # the peer has gone; its reader gets the error
        await writer.drain()


def _refuse_to_linger(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
