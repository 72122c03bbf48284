"""What is asked of an aiomysql connection; aiomysql ships no types."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from myfy_data.engines.connect.position import Answer
from myfy_data.engines.mysql.transaction import ServerTransaction


class DriverCursor(Protocol):
    """A cursor of aiomysql."""

    async def execute(self, query: str) -> object:
        """Send a statement."""
        ...

    @property
    def description(self) -> Sequence[tuple[str, *tuple[object, ...]]]:
        """The columns of its rows."""
        ...

    async def fetchone(self) -> Answer:
        """The next row, of a SELECT that has one."""
        ...

    async def nextset(self) -> bool | None:
        """Go on to the next statement's rows."""
        ...

    async def fetchall(self) -> Sequence[Answer]:
        """Its rows."""
        ...


class DriverConnection(Protocol):
    """An aiomysql connection, with what `StrictConnection` adds to it."""

    _reader: Any
    _writer: Any

    @property
    def transaction(self) -> ServerTransaction:
        """What the server says of the transaction."""
        ...

    @property
    def charset(self) -> str:
        """The client's character set."""
        ...

    @property
    def autocommit_mode(self) -> bool | None:
        """Whether statements stand for themselves; None for what the server does."""
        ...

    @property
    def sql_mode(self) -> str | None:
        """What the session is told of it when it is opened."""
        ...

    @property
    def init_command(self) -> str | None:
        """What is sent first."""
        ...

    @property
    def server_capabilities(self) -> int:
        """The server's flags."""
        ...

    @property
    def unproven(self) -> Collection[str]:
        """Hooks of the log-in that were not called."""
        ...

    @property
    def db(self) -> str | None:
        """The current database."""
        ...

    @property
    def ends_by_message(self) -> bool:
        """Whether the server may have a transaction open."""
        ...

    def assume(self, *, read_only: bool) -> None:
        """Note what the session's transactions are from now on."""

    def settle(self, answer_timeout: float) -> None:
        """Give each statement so many seconds."""

    def get_server_info(self) -> str:
        """The server's version."""
        ...

    def cursor(self) -> AbstractAsyncContextManager[DriverCursor]:
        """A cursor."""
        ...

    async def query(self, sql: str) -> object:
        """Send a statement."""
        ...

    async def select_db(self, db: str) -> None:
        """Make a database the current one."""

    async def ping(self, *, reconnect: bool) -> None:
        """One round trip."""

    async def ensure_closed(self) -> None:
        """Close politely."""

    def _execute_command(self, command: int, sql: bytes) -> Awaitable[None]: ...

    async def _read_ok_packet(self) -> object: ...
