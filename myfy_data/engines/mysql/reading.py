"""aiomysql's connection that takes what has come in at once; stock aiomysql asks for each packet's head and body.

An answer of one row is five packets or more, and each of the stock's ten questions is two coroutines.
"""

from __future__ import annotations

from typing import Any

from aiomysql import OperationalError
from aiomysql.connection import MysqlPacket  # pyright: ignore[reportAttributeAccessIssue]  # the stubs of PyMySQL that pyright brings lack it
from pymysql.constants import CR

from myfy_data.engines.mysql.login import SafeLogin

_HEAD = 4
"""Bytes of a packet's length and number."""

_IN_PARTS = 0xFFFFFF
"""The length of a packet that goes on in the next one."""

_ERROR = 0xFF
"""The first byte of a server's refusal."""

_CHUNK = 1 << 18
"""Bytes that are taken at once, at most."""


class BufferedConnection(SafeLogin):
    """A connection with what came in and was not read yet.

    Nothing is kept before the log-in has ended: what a man in the middle puts before a handshake is not read behind it.

    Args:
        arguments: those of the log-in.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._unread = b""
        self._at = 0

    async def _read_packet(self, packet_type: Any = MysqlPacket) -> object:
        """The next packet. One that has come in as a whole, and is no refusal, is taken here; any other by aiomysql."""
        data, head = self._unread, self._at
        start = head + _HEAD
        if len(data) > start and data[start] != _ERROR and data[head + 3] == self._next_seq_id:
            size = int.from_bytes(data[head : head + 3], "little")
            end = start + size
            if 0 < size < _IN_PARTS and end <= len(data):
                self._next_seq_id: int = (self._next_seq_id + 1) % 256
                self._at = end
                return packet_type(data[start:end], self._encoding)
        return await super()._read_packet(packet_type)

    async def _read_bytes(self, num_bytes: int) -> bytes:
        """So many bytes.

        Raises:
            OperationalError: the connection is lost.
        """
        if not self._logged_in:
            read: bytes = await super()._read_bytes(num_bytes)
            return read
        data, at = self._unread, self._at
        end = at + num_bytes
        if end <= len(data):
            self._at = end
            return data[at:end]
        parts, missing = [data[at:]], end - len(data)
        while missing > len(chunk := await self._receive()):
            parts.append(chunk)
            missing -= len(chunk)
        self._unread, self._at = chunk, missing
        parts.append(chunk[:missing])
        return b"".join(parts)

    async def _receive(self) -> bytes:
        """What has come in; at least one byte."""
        try:
            chunk: bytes = await self._reader.read(_CHUNK)  # pyright: ignore[reportOptionalMemberAccess]  # aiomysql has no types; it is connected
        except OSError as error:
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, f"{_LOST} ({error})") from error
        if not chunk:
            self.close()
            raise OperationalError(CR.CR_SERVER_LOST, _LOST)
        return chunk


_LOST = "Lost connection to MySQL server during query"
"""As aiomysql says it; SQLAlchemy knows it by its number."""
