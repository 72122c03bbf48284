"""The idle connections of a pool; no task waits for them here, but in a queue of its own (ADR 0015)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.queue import Empty, Full


class IdleQueue:
    """What SQLAlchemy's pool asks of its queue, without the thirteen calls of `asyncio.Queue` for each checkout.

    Args:
        maxsize: how many it keeps; 0 for no limit.
        use_lifo: whether the last one comes out first.
    """

    __slots__ = ("_items", "_take", "maxsize", "use_lifo")

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:  # noqa: FBT001, FBT002 - as SQLAlchemy's
        self._items: deque[ConnectionPoolEntry] = deque()
        self._take: Callable[[], ConnectionPoolEntry] = self._items.pop if use_lifo else self._items.popleft
        self.maxsize: int = maxsize
        self.use_lifo: bool = use_lifo

    def qsize(self) -> int:
        """How many there are."""
        return len(self._items)

    def empty(self) -> bool:
        """Whether there is none."""
        return not self._items

    def full(self) -> bool:
        """Whether no further one is kept."""
        return 0 < self.maxsize <= len(self._items)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        """Keep one.

        Raises:
            Full: there are as many as are kept.
        """
        if 0 < self.maxsize <= len(self._items):
            raise Full
        self._items.append(item)

    def get_nowait(self) -> ConnectionPoolEntry:
        """The one whose turn it is.

        Raises:
            Empty: there is none.
        """
        try:
            return self._take()
        except IndexError:
            raise Empty from None

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002, FBT001, FBT002 - as SQLAlchemy's
        """As `put_nowait`: there is nothing to wait for."""
        self.put_nowait(item)

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:  # noqa: ARG002, FBT001, FBT002 - as SQLAlchemy's
        """As `get_nowait`."""
        return self.get_nowait()
