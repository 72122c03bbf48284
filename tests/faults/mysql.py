"""MySQL's and MariaDB's protocol, as far as a proxy must know it."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from tests.faults.framing import Answer, Queue, Sent
from tests.faults.messages import CONNECT, Message

_COMMANDS = {
    0x01: "COM_QUIT",
    0x02: "COM_INIT_DB",
    0x03: "COM_QUERY",
    0x0E: "COM_PING",
    0x11: "COM_CHANGE_USER",
    0x16: "COM_STMT_PREPARE",
    0x17: "COM_STMT_EXECUTE",
    0x18: "COM_STMT_SEND_LONG_DATA",
    0x19: "COM_STMT_CLOSE",
    0x1F: "COM_RESET_CONNECTION",
}
_UNANSWERED = frozenset({"COM_QUIT", "COM_STMT_SEND_LONG_DATA", "COM_STMT_CLOSE", "continued"})
_LOGIN = frozenset({"connect", "login", "COM_CHANGE_USER"})

_OK, _ERROR, _END = 0x00, 0xFF, 0xFE
_MORE_RESULTS = 0x0008
_NO_END_PACKETS = 1 << 24
"""Capability: no packet stands between columns and rows, and rows end with an OK."""

Progress = Generator[bool, bytes, None]


class MySQLConversation:
    """Messages and answers of one connection without TLS."""

    def __init__(self) -> None:
        self._client = bytearray()
        self._server = bytearray()
        self._queue = Queue()
        self._queue.number(CONNECT, is_answered=True)  # by the server's greeting
        self._is_in = False
        self._ends_packets = True
        self._progress: Progress | None = None
        self._statements: dict[bytes, str] = {}
        self._prepared = ""

    def sent(self, data: bytes) -> Iterator[Sent]:
        """The messages that are complete now."""
        self._client += data
        while (frame := _take(self._client)) is not None:
            message = self._command(frame) if self._is_in else self._login(frame)
            yield Sent(self._queue.number(message, is_answered=message.kind not in _UNANSWERED), message, frame)

    def _login(self, frame: bytes) -> Message:
        if frame[3] == 1:
            self._ends_packets = not int.from_bytes(frame[4:8], "little") & _NO_END_PACKETS
        return Message("login")

    def _command(self, frame: bytes) -> Message:
        if frame[3] != 0:
            return Message("continued")
        kind, body = _COMMANDS.get(frame[4], f"command {frame[4]:#04x}"), frame[5:]
        if kind == "COM_STMT_EXECUTE":
            return Message(kind, self._statements.get(body[:4], ""), runs=True)
        if kind not in ("COM_QUERY", "COM_STMT_PREPARE"):
            return Message(kind)
        text = body.decode("utf-8", "replace")
        self._prepared = text if kind == "COM_STMT_PREPARE" else self._prepared
        return Message(kind, text, runs=kind == "COM_QUERY")

    def answered(self, data: bytes) -> Iterator[Answer]:
        """The packets that are complete now."""
        self._server += data
        while (frame := _take(self._server)) is not None:
            yield self._queue.answer(frame, is_last=self._completes(frame[4:]))

    def _completes(self, packet: bytes) -> bool:
        first = self._queue.first
        if first is None:
            return False
        if first.kind in _LOGIN:
            self._is_in = self._is_in or (first.kind == "login" and packet[0] == _OK)
            return packet[:2] != b"\x01\x03"  # the password was known: an OK follows
        if self._progress is None:
            self._progress = self._answer_to(first)
            next(self._progress)
        is_last = self._progress.send(packet)
        if is_last:
            self._progress = None
        return is_last

    def _answer_to(self, message: Message) -> Progress:
        if message.kind == "COM_STMT_PREPARE":
            return self._preparation()
        return self._results()

    def _results(self) -> Progress:
        """Follows result sets: packets go in, whether the last one is there comes out."""
        while True:
            packet = yield False
            if packet[0] not in (_OK, _ERROR):
                packet = yield from self._rows(packet)
            if packet[0] == _ERROR or not self._status(packet) & _MORE_RESULTS:
                yield True
                return

    def _rows(self, packet: bytes) -> Generator[bool, bytes, bytes]:
        for _ in range(_number(packet, 0)[0] + self._ends_packets):
            yield False
        while True:
            packet = yield False
            if packet[0] == _ERROR or (packet[0] == _END and (len(packet) < 9 or not self._ends_packets)):
                return packet

    def _status(self, packet: bytes) -> int:
        if packet[0] == _END and self._ends_packets:
            return int.from_bytes(packet[3:5], "little")
        _, offset = _number(packet, 1)
        _, offset = _number(packet, offset)
        return int.from_bytes(packet[offset : offset + 2], "little")

    def _preparation(self) -> Progress:
        packet = yield False
        if packet[0] == _OK:
            self._statements[packet[1:5]] = self._prepared
            counts = (int.from_bytes(packet[at : at + 2], "little") for at in (5, 7))
            for _ in range(sum(count + self._ends_packets for count in counts if count)):
                yield False
        yield True


def _take(buffer: bytearray) -> bytes | None:
    """The first whole packet of a buffer, which loses it."""
    if len(buffer) < 4:
        return None
    size = 4 + int.from_bytes(buffer[:3], "little")
    if len(buffer) < size:
        return None
    frame = bytes(buffer[:size])
    del buffer[:size]
    return frame


def _number(packet: bytes, offset: int) -> tuple[int, int]:
    """A number in the protocol's own encoding, and where the next field begins."""
    first = packet[offset]
    if first < 0xFB:
        return first, offset + 1
    size = {0xFC: 2, 0xFD: 3}.get(first, 8)
    return int.from_bytes(packet[offset + 1 : offset + 1 + size], "little"), offset + 1 + size
