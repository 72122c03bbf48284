"""aiomysql's answers, made to tell what they know: the server's status, and that a stream has lost its rows."""

from __future__ import annotations

from typing import Any

from aiomysql.connection import MySQLResult
from pymysql.protocol import EOFPacketWrapper

from myfy_data.engines.mysql.transaction import NOTHING_CHANGED, STATE_CHANGED, ServerTransaction, session_changes
from myfy_data.errors import SessionError


class StrictResult(MySQLResult):  # type: ignore[misc]  # aiomysql ships no types
    """An answer that the transaction hears of.

    Stock aiomysql looks at the status of an answer without rows only. It ends a stream without a word when another
    statement needs its connection.

    Args:
        connection: aiomysql's.
        profile: the profile's name, for errors.
        transaction: what is known of the transaction.
    """

    connection: Any
    unbuffered_active: bool
    server_status: Any
    message: Any

    def __init__(self, connection: object, profile: str, transaction: ServerTransaction) -> None:
        super().__init__(connection)
        self._profile = profile
        self._transaction = transaction
        self._lost_rows = False

    def _read_ok_packet(self, first_packet: object) -> None:
        super()._read_ok_packet(first_packet)
        has_changes = self.server_status & STATE_CHANGED
        self._transaction.hear(self.server_status, session_changes(self.message) if has_changes else NOTHING_CHANGED)

    def _check_packet_is_eof(self, packet: Any) -> bool:
        if not packet.is_eof_packet():
            return False
        end = EOFPacketWrapper(packet)
        self.warning_count: int = end.warning_count
        self.has_next: bool = end.has_next
        self._transaction.hear(end.server_status, may_work=False)
        return True

    async def cut(self) -> None:
        """Give up the rows of a stream that were not read, so that the connection is free for another statement."""
        while self.unbuffered_active:
            packet = await self.connection._read_packet()  # noqa: SLF001 - as aiomysql's own results do
            if self._check_packet_is_eof(packet):
                self.unbuffered_active, self.connection = False, None
            else:
                self._lost_rows = True

    async def _read_rowdata_packet_unbuffered(self) -> Any:
        if self._lost_rows:
            raise SessionError(
                self._profile,
                "another statement was sent while the rows of a stream were being read, so the rest of them is lost:"
                " MySQL has one answer at a time on a connection\n"
                "  fix: read the stream to its end first, or run the statement in a session of its own",
            )
        return await super()._read_rowdata_packet_unbuffered()
