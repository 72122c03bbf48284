"""aiosqlite's cursor with fewer messages: every message to the connection's thread costs more than a small query.

A cursor is made without one. `execute` brings the first rows along, so most results need no other message, and a
cursor that has given its last row is closed without one.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, MutableSet, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, Protocol, TypeVar

import aiosqlite

T = TypeVar("T")

PREFETCH = 128
"""Rows that one message brings, at least as many as there are: a page of 100 is one message, a million are not."""


def repeatable(parameters: Iterable[object]) -> Iterable[object]:
    """Sets of parameters that can be gone through twice: a transaction that stepped aside begins its write anew."""
    return parameters if isinstance(parameters, list | tuple) else list(parameters)


class CursorConnection(Protocol):
    """What a cursor asks of its connection; everything but `sqlite_cursor` and `streams` is for its thread."""

    @property
    def streams(self) -> MutableSet[PrefetchCursor]:
        """Cursors whose statement had rows left when it was sent."""
        ...

    def sqlite_cursor(self) -> sqlite3.Cursor:
        """A cursor of sqlite3 that `remember` must hear of when its statement has not ended."""
        ...

    def note_read(self) -> None:
        """The piece of work that runs only reads."""
        ...

    def remember(self, cursor: sqlite3.Cursor) -> None:
        """Close a cursor with the connection."""
        ...

    def execute_on(self, cursor: sqlite3.Cursor, sql: str, parameters: object) -> None:
        """Run a statement on one of `sqlite_cursor`."""
        ...

    def execute_script(self, cursor: sqlite3.Cursor, script: str) -> None:
        """Run several statements on one of `sqlite_cursor`."""
        ...

    async def _execute(self, fn: Callable[..., T], *args: object, **kwargs: object) -> T: ...


class PrefetchCursor(aiosqlite.Cursor):
    """A cursor that reads ahead by a bunch of rows; streaming stays streaming.

    A row that cannot be read is told of when its turn comes, after those before it.
    """

    def __init__(self, connection: CursorConnection) -> None:
        # Not aiosqlite's: it wants the sqlite3 cursor, which is made by the first message.
        self.iter_chunk_size = PREFETCH
        self._conn: CursorConnection = connection  # type: ignore[assignment]  # ours, where aiosqlite has its own
        self._rows: deque[Any] = deque()
        self._failure: Exception | None = None
        self._is_done = True

    @cached_property
    def _cursor(self) -> sqlite3.Cursor:  # type: ignore[override]  # an attribute in aiosqlite, whose properties read it
        return self._conn.sqlite_cursor()

    def __await__(self) -> Generator[object, None, PrefetchCursor]:
        """The cursor: `await connection.cursor()` is how other drivers make it."""
        yield from ()
        return self

    async def execute(self, sql: str, parameters: Iterable[object] | None = None) -> PrefetchCursor:
        """Run a statement and read its first rows."""
        return await self._send(self._run, sql, () if parameters is None else parameters)

    async def executemany(self, sql: str, parameters: Iterable[Iterable[object]]) -> PrefetchCursor:
        """Run a statement once for each set of parameters."""
        return await self._send(self._run_many, sql, repeatable(parameters))

    async def executescript(self, sql_script: str) -> PrefetchCursor:
        """Run several statements."""
        return await self._send(self._run_script, sql_script)

    async def _send(self, work: Callable[..., None], *arguments: object) -> PrefetchCursor:
        self._rows.clear()
        self._failure, self._is_done = None, False
        await self._conn._execute(work, *arguments)  # noqa: SLF001 - as aiosqlite's cursor does
        if not self._is_done:
            self._conn.streams.add(self)
        return self

    @property
    def has_statement(self) -> bool:
        """Whether its statement has not ended, because rows are left."""
        return not self._is_done

    # -- on the thread -----------------------------------------------------------------------------------------

    def _run(self, sql: str, parameters: object) -> None:
        self._conn.execute_on(self._cursor, sql, parameters)
        if self._cursor.description is None:
            self._is_done = True
        else:
            self._read(PREFETCH)

    def _run_many(self, sql: str, parameters: Iterable[Sequence[object] | Mapping[str, object]]) -> None:
        self._cursor.executemany(sql, parameters)
        self._is_done = True

    def _run_script(self, sql: str) -> None:
        self._conn.execute_script(self._cursor, sql)
        self._is_done = True

    def _read(self, count: int | None) -> None:
        rows = self._rows
        before = len(rows)
        try:
            rows.extend(islice(self._cursor, count))  # what was read before a failure stays
        except Exception as failure:  # noqa: BLE001 - also whatever a converter or a row factory raises
            self._failure = failure
        else:
            self._is_done = count is None or len(rows) < before + count
        if not self._is_done:
            self._conn.remember(self._cursor)

    def _read_on(self, count: int | None) -> None:
        self._conn.note_read()
        self._read(count)

    # -- rows --------------------------------------------------------------------------------------------------

    async def _have(self, count: int | None) -> None:
        """Read until there are so many rows, or all of them.

        Raises:
            Exception: what reading the row after the last one raised, when that one is wanted as well.
        """
        if not (self._is_done or self._failure) and (count is None or len(self._rows) < count):
            most = None if count is None else max(PREFETCH, count - len(self._rows))
            await self._conn._execute(self._read_on, most)  # noqa: SLF001 - as above
        if self._failure is not None and (count is None or len(self._rows) < count):
            failure, self._failure = self._failure, None
            self._rows.clear()  # sqlite3 keeps none of them either
            raise failure

    async def fetchone(self) -> Any:
        """The next row, or None."""
        await self._have(1)
        return self._rows.popleft() if self._rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows, at most `size`, which is `arraysize` unless given."""
        wanted = self.arraysize if size is None else size
        await self._have(wanted)
        return self._take(wanted)

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        await self._have(None)
        return self._take(len(self._rows))

    def _take(self, count: int) -> list[object]:
        rows = self._rows
        if count >= len(rows):
            taken = list(rows)
            rows.clear()
            return taken
        return [rows.popleft() for _ in range(count)]

    async def close(self) -> None:
        """Close; a statement that may have rows left is ended on the thread."""
        self._rows.clear()
        if not self._is_done:
            await self._conn._execute(self._cursor.close)  # noqa: SLF001 - as above
            self._is_done = True
        elif "_cursor" in vars(self):
            try:  # no `suppress`, which is three calls
                self._cursor.close()  # holds no statement any more, so SQLite is not asked
            except sqlite3.ProgrammingError:  # its connection was closed before
                return
