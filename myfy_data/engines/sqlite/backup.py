"""Copies of a SQLite database that hear of an interrupt, as sqlite3's own `backup` does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypedDict, Unpack

_SLEEP = 0.1
"""Seconds, at most, between two tries of a copy whose source or target is locked."""

_PAGES = 1024
"""Pages that a copy takes in one step, 4 MB mostly, and so the time until it hears of an interrupt."""

NO_BACKUP = (
    "backup() copies what is committed, and waits for the end of a transaction that may write: here for its own\n"
    "  fix: copy in a session that only reads: `async with data.session(read_only=True) as session:`"
)


Progress = Callable[[int, int, int], object]
"""Is called after each step with SQLite's status, the pages that are left, and all pages."""


class CopyPace(TypedDict, total=False):
    """How a copy goes on from step to step, in sqlite3's words; `sleep` in seconds."""

    progress: Progress | None
    sleep: float


class CopyOptions(CopyPace, total=False):
    """What sqlite3's `backup` may be told beside the target."""

    pages: int
    name: str


class CopyingConnection(sqlite3.Connection):
    """A connection whose copies can be given up."""

    _interrupts = 0

    def interrupt(self) -> None:
        """Interrupt what runs; called by another thread."""
        self._interrupts += 1
        super().interrupt()

    def backup(
        self, target: sqlite3.Connection, *, pages: int = -1, name: str = "main", **options: Unpack[CopyPace]
    ) -> None:
        """Copy the database; between two steps and two tries it can be interrupted.

        What sqlite3 would copy in one step (`pages` below 1) is copied in several, of one snapshot.
        """
        with nullcontext() if pages > 0 else self._snapshot(name):
            self._copy(target, pages if pages > 0 else _PAGES, name, **options)

    def _copy(
        self,
        target: sqlite3.Connection,
        pages: int,
        name: str,
        *,
        progress: Progress | None = None,
        sleep: float = 0.25,
    ) -> None:
        before = self._interrupts

        def look(status: int, remaining: int, total: int) -> None:
            if self._interrupts != before:
                raise sqlite3.OperationalError("interrupted")
            if progress is not None:
                progress(status, remaining, total)

        super().backup(target, pages=pages, progress=look, name=name, sleep=min(sleep, _SLEEP))

    @contextmanager
    def _snapshot(self, name: str) -> Iterator[None]:
        """Keep what a database holds now: a copy begins anew when another connection writes between two steps."""
        is_own, cursor = not self.in_transaction, super().cursor()
        if is_own:
            cursor.execute("BEGIN")
        try:
            quoted = name.replace('"', '""')
            cursor.execute(f'SELECT count(*) FROM "{quoted}".sqlite_master').fetchone()  # noqa: S608 - it is quoted
            yield
        finally:
            if is_own:
                super().rollback()
