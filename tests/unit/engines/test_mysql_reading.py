"""Packets of an answer are those that the server sent, however the line cuts them (contract C9)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiomysql import OperationalError

from myfy_data.engines.mysql.reading import BufferedConnection


class Line(BufferedConnection):
    """A connection after its log-in, which reads what a test feeds."""

    def __init__(self, *data: bytes, logged_in: bool = True, number: int = 0) -> None:
        self._unread, self._at = b"", 0
        self._logged_in = logged_in
        self._next_seq_id = number
        self._encoding = "utf8"
        self._result = None
        self._reader: Any = asyncio.StreamReader()
        self._writer = None
        self.is_closed = False
        self.feed(*data)

    def close(self) -> None:
        self.is_closed = True

    def feed(self, *data: bytes) -> None:
        for part in data:
            self._reader.feed_data(part)

    def end(self) -> None:
        self._reader.feed_eof()

    def break_off(self, error: Exception) -> None:
        self._reader.set_exception(error)

    async def not_taken(self) -> bytes:
        """What has come in, and still stands with the reader."""
        data: bytes = await self._reader.read(100)
        return data

    async def packet(self) -> bytes:
        data: bytes = (await self._read_packet()).get_all_data()
        return data


def packets(*bodies: bytes, first: int = 0) -> bytes:
    numbered = enumerate(bodies, first)
    return b"".join(len(body).to_bytes(3, "little") + bytes([number % 256]) + body for number, body in numbered)


BODIES = [b"\x01", b"\x00ok", b"row", b"x" * 70_000, b"\xfe\x00\x00\x02\x00"]


@pytest.mark.parametrize("size", [1, 3, 4, 5, 7, 1000, 1_000_000])
async def test_packets_are_whole_however_they_come_in(size: int) -> None:
    data = packets(*BODIES)
    line = Line(*(data[at : at + size] for at in range(0, len(data), size)))

    assert [await line.packet() for _ in BODIES] == BODIES


async def test_a_packet_that_comes_late_is_waited_for() -> None:
    data = packets(b"first", b"second")
    line = Line(data[:12])
    assert await line.packet() == b"first"
    waiting = asyncio.create_task(line.packet())
    await asyncio.sleep(0)

    line.feed(data[12:])

    assert await waiting == b"second"


async def test_what_does_not_fit_into_one_packet_is_read_out_of_several() -> None:
    line = Line(packets(b"x" * 0xFFFFFF, b"end", b"next"))

    found = [await line.packet() for _ in range(2)]

    assert [len(found[0]), found[0][-3:], found[1]] == [0xFFFFFF + 3, b"end", b"next"]


async def test_numbers_begin_anew_behind_255() -> None:
    line = Line(packets(b"a", b"b", first=255), number=255)

    assert [await line.packet() for _ in range(2)] == [b"a", b"b"]


async def test_a_refusal_among_packets_that_came_in_at_once_is_raised() -> None:
    line = Line(packets(b"a", b"\xff\x28\x04#42000no such thing"))
    await line.packet()

    with pytest.raises(Exception, match="no such thing") as raised:
        await line.packet()

    assert raised.value.args[0] == 1064


@pytest.mark.parametrize("stale", [b"\xff\x1d\x04#08S01shutdown", b"\x00of another statement"])
async def test_a_packet_out_of_turn_is_not_taken_for_an_answer(stale: bytes) -> None:
    """The goodbye of a server that shuts down has number 0, and may have come in with what was read before it."""
    line = Line(packets(b"a") + packets(stale))
    await line.packet()

    with pytest.raises(OperationalError, match="Lost connection"):
        await line.packet()

    assert line.is_closed


@pytest.mark.parametrize("kept", [0, 2, 6])
async def test_a_line_that_ends_is_lost(kept: int) -> None:
    line = Line(packets(b"first", b"second")[: 9 + kept])
    line.end()
    await line.packet()

    with pytest.raises(OperationalError, match="Lost connection"):
        await line.packet()

    assert line.is_closed


async def test_a_line_that_breaks_is_lost() -> None:
    line = Line()
    line.break_off(ConnectionResetError("reset"))

    with pytest.raises(OperationalError, match=r"Lost connection.*\(reset\)"):
        await line.packet()

    assert line.is_closed


async def test_nothing_is_kept_before_the_log_in_has_ended() -> None:
    """What a man in the middle sends along is not read behind the handshake of TLS, on another reader."""
    line = Line(packets(b"greeting") + b"planted", logged_in=False)
    line.end()

    assert await line.packet() == b"greeting"

    assert await line.not_taken() == b"planted"
