"""The pool: SQLAlchemy's, first come, first served, with a home, and with our words when it is exhausted (ADR 0015)."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty

from myfy_data.engines.errors import PoolExhausted
from myfy_data.engines.holders import Holders
from myfy_data.engines.home import Home
from myfy_data.engines.line import WaitingLine, Word
from myfy_data.engines.sqlalchemy_contract import SQLALCHEMY
from myfy_data.engines.status import build_status
from myfy_data.package_contract import unsupported


class BoundedPool(AsyncAdaptedQueuePool):
    """A queue pool of one profile.

    What comes back, a connection or the place of one that was closed, goes to the longest waiter; whoever asks while
    others wait, waits behind them. SQLAlchemy's own queue wakes a waiter and lets the next one who asks take the
    connection before it.

    Attributes:
        profile: the profile's name.
        home: the loop that may use the pool; checked at each checkout.
        leak_threshold: seconds after which a holder is reported; None for never.
        prefers_read_only: whether the next one who asks takes a connection whose server refuses writes by now, if one
            is idle; the others leave those alone as long as there are others. To change it costs a round trip.
    """

    profile = ""
    home: Home | None = None
    leak_threshold: float | None = None
    prefers_read_only = False
    _is_disposed = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._line: WaitingLine[ConnectionPoolEntry] = WaitingLine()
        self._holders = Holders(self.profile, self.leak_threshold, self._dec_overflow)

    def settle(self, profile: str, home: Home, leak_threshold: float | None = None) -> BoundedPool:
        """Tell a new pool whose it is; SQLAlchemy's constructor has no room for it."""
        self.profile, self.home, self.leak_threshold = profile, home, leak_threshold
        self._holders = Holders(profile, leak_threshold, self._dec_overflow)
        return self

    def recreate(self) -> BoundedPool:
        """The empty pool that follows this one when the engine is disposed."""
        pool = super().recreate()
        assert isinstance(pool, BoundedPool)  # noqa: S101 - SQLAlchemy builds it from our own class
        return pool.settle(self.profile, self.home, self.leak_threshold) if self.home is not None else pool

    def connect(self) -> PoolProxiedConnection:
        """Check a connection out.

        Raises:
            PoolExhausted: none became free within `pool_timeout`.
            WrongEventLoopError: the pool belongs to another loop or process.
            DatabaseConnectionError: a new connection was needed and could not be had.
            UnsupportedPackageError: SQLAlchemy went past `_do_get`, so it was not this pool's turn that counted.
        """
        if self.home is not None:
            self.home.enter()
        pooled: Any = super().connect()
        if pooled._connection_record not in self._holders:  # noqa: SLF001 - nothing public leads to the pool's entry
            pooled.invalidate()
            raise unsupported(SQLALCHEMY, "hands out connections past the pool's '_do_get'", self.profile)
        return pooled  # type: ignore[no-any-return]  # Any for its private attribute

    def evict(self) -> None:
        """Have every connection that is open now replaced at its next checkout; those in use go on until then."""
        self._invalidate_time = time.time()

    @property
    def waiting(self) -> int:
        """Tasks that wait for a connection to come back."""
        return len(self._line)

    @property
    def is_exhausted(self) -> bool:
        """Whether the next one who asks must wait."""
        full = -1 < self._max_overflow <= self._overflow
        return self.waiting > 0 or (full and self.checkedin() == 0)

    def exhausted(self, waited: float) -> PoolExhausted:
        """The error for somebody who waited so many seconds in vain."""
        status = build_status(self.profile, self.size(), [self])
        return PoolExhausted(status, self._max_overflow, waited, self._holders.longest)

    def dispose(self) -> None:
        """Close what is idle. What is in use is closed when it comes back, and who waits opens anew."""
        self._is_disposed = True
        super().dispose()
        self._serve()

    # -- SQLAlchemy's two hooks, and the count of places ---------------------------------------------------------------

    def _do_get(self) -> ConnectionPoolEntry:
        read_only, self.prefers_read_only = self.prefers_read_only, False
        found = None if self._line else self._take(read_only=read_only)
        if found is None:
            found = self._wait()
        record = self._open() if isinstance(found, Word) else found
        self._holders.add(record)
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self._holders.remove(record)
        if self._is_disposed:
            record.close()
            return
        super()._do_return_conn(record)
        self._serve()

    def _dec_overflow(self) -> Any:
        super()._dec_overflow()
        self._serve()
        return True

    # -- taking, waiting, handing over ---------------------------------------------------------------------------------

    def _take(self, *, read_only: bool = False) -> ConnectionPoolEntry | Word | None:
        """An idle connection, or a place for a new one, or nothing."""
        try:
            found = self._pool.get_nowait()
        except Empty:
            return Word.PLACE if self._inc_overflow() else None
        return found if stays_read_only(found) is read_only else self._exchange(found, read_only=read_only)

    def _exchange(self, found: ConnectionPoolEntry, *, read_only: bool) -> ConnectionPoolEntry:
        """An idle connection in the state that is asked for; if there is none, the one that was found."""
        others = [found]
        with suppress(Empty):
            while stays_read_only(others[-1]) is not read_only:
                others.append(self._pool.get_nowait())
        taken = others.pop(-1 if stays_read_only(others[-1]) is read_only else 0)
        for other in others:
            self._pool.put_nowait(other)
        return taken

    def _open(self) -> ConnectionPoolEntry:
        try:
            return self._create_connection()
        except BaseException:
            self._dec_overflow()
            raise

    def _wait(self) -> ConnectionPoolEntry | Word:
        started = time.monotonic()
        ticket = self._line.join()
        self._serve()  # the garbage collector may have given something back since we looked
        try:
            found = await_only(self._line.wait(ticket, self._timeout))
        except BaseException:
            self._put_back(self._line.leave(ticket))
            raise
        if found is Word.TOO_LATE:
            raise self.exhausted(time.monotonic() - started)
        return found

    def _put_back(self, thing: ConnectionPoolEntry | Word | None) -> None:
        if thing is Word.PLACE:
            self._dec_overflow()
        elif isinstance(thing, ConnectionPoolEntry):
            self._do_return_conn(thing)

    def _serve(self) -> None:
        """Hand what is free to those who wait, the longest waiter first."""
        if not self._line:
            return
        elsewhere = self._line.loop_elsewhere()
        if elsewhere is not None:  # the garbage collector works in any thread
            with suppress(RuntimeError):  # that loop is closed
                elsewhere.call_soon_threadsafe(self._serve)
            return
        while self._line:
            thing = self._take()
            if thing is None:
                return
            if not self._line.hand_over(thing):
                self._put_back(thing)


def stays_read_only(record: ConnectionPoolEntry) -> bool:
    """Whether the server refuses the writes of a pooled connection until it is told otherwise."""
    state = getattr(record.dbapi_connection, "stays_read_only", None)
    return bool(getattr(record.driver_connection, "stays_read_only", False) if state is None else state)


def prefer_read_only(engine: Engine) -> None:
    """Let an engine whose sessions are read-only ask its pool for connections that are so already."""
    connect = engine.raw_connection

    def raw_connection() -> PoolProxiedConnection:
        if isinstance(engine.pool, BoundedPool):
            engine.pool.prefers_read_only = True
        return connect()

    engine.raw_connection = raw_connection  # type: ignore[method-assign]  # public, and asked for each connection
