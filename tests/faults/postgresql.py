"""PostgreSQL's protocol, version 3, as far as a proxy must know it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tests.faults.framing import Answer, Queue, Sent
from tests.faults.messages import CONNECT, Message

_SPECIAL = {80877102: "cancel-request", 80877103: "ssl-request", 80877104: "gss-request"}

_COMPLETED_BY = {
    "startup": b"Z",
    "p": b"Z",
    "Q": b"Z",
    "F": b"Z",
    "S": b"Z",
    "P": b"1",
    "B": b"2",
    "D": b"Tn",
    "E": b"CsI",
    "C": b"3",
}
"""The type of the packet that completes the answer to each type of message; the others have no answer."""


class PostgreSQLConversation:
    """Messages and answers of one connection; an answer to a request for TLS is the proxy's own affair."""

    def __init__(self) -> None:
        self._client = bytearray()
        self._server = bytearray()
        self._queue = Queue()
        self._queue.number(CONNECT, is_answered=False)
        self._in_startup = True
        self._skipping = False
        self._statements: dict[bytes, str] = {}
        self._portals: dict[bytes, str] = {}

    def sent(self, data: bytes) -> Iterator[Sent]:
        """The messages that are complete now."""
        self._client += data
        while (frame := _take(self._client, typed=not self._in_startup)) is not None:
            message = self._startup(frame) if self._in_startup else self._typed(frame)
            if message.kind == "S":
                self._skipping = False
            is_answered = message.kind in _COMPLETED_BY and not self._skipping
            yield Sent(self._queue.number(message, is_answered=is_answered), message, frame)

    def _startup(self, frame: bytes) -> Message:
        kind = _SPECIAL.get(struct.unpack_from("!I", frame, 4)[0], "startup")
        self._in_startup = kind != "startup"
        return Message(kind)

    def _typed(self, frame: bytes) -> Message:
        kind, body = chr(frame[0]), frame[5:]
        if kind == "Q":
            return Message(kind, _text(body), runs=True)
        if kind == "P":
            name, _, rest = body.partition(b"\0")
            self._statements[name] = _text(rest)
            return Message(kind, self._statements[name])
        if kind == "B":
            portal, name, *_ = body.split(b"\0", 2)
            self._portals[portal] = self._statements.get(name, "")
            return Message(kind, self._portals[portal])
        if kind == "E":
            return Message(kind, self._portals.get(body.partition(b"\0")[0], ""), runs=True)
        return Message(kind)

    def answered(self, data: bytes) -> Iterator[Answer]:
        """The packets that are complete now."""
        self._server += data
        while (frame := _take(self._server, typed=True)) is not None:
            is_last = self._completes(frame)
            yield self._queue.answer(frame, is_last=is_last)
            if is_last and frame[:1] == b"E":
                self._skip()

    def _completes(self, frame: bytes) -> bool:
        first = self._queue.first
        if first is None or frame[:1] in (b"N", b"A"):
            return False
        if frame[:1] == b"R":  # a question in return, unless it says that all is well or final
            return first.kind in ("startup", "p") and struct.unpack_from("!I", frame, 5)[0] not in (0, 12)
        completed_by = _COMPLETED_BY[first.kind]
        return frame[:1] in completed_by or (frame[:1] == b"E" and completed_by != b"Z")

    def _skip(self) -> None:
        """After an error the server answers nothing before the next Sync."""
        waiting = self._queue.waiting
        while waiting and waiting[0][1].kind != "S":
            waiting.popleft()
        self._skipping = not waiting


def _take(buffer: bytearray, *, typed: bool) -> bytes | None:
    """The first whole frame of a buffer, which loses it."""
    offset = 1 if typed else 0
    if len(buffer) < offset + 4:
        return None
    size = offset + int(struct.unpack_from("!I", buffer, offset)[0])
    if len(buffer) < size:
        return None
    frame = bytes(buffer[:size])
    del buffer[:size]
    return frame


def _text(body: bytes) -> str:
    return body.partition(b"\0")[0].decode("utf-8", "replace")
