"""The pool: SQLAlchemy's, first come, first served, bound to one event loop, explained when exhausted (ADR 0015)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty, Full

from myfy_data.engines.connect.sqlalchemy_contract import SQLALCHEMY
from myfy_data.engines.observation import EngineRecorder
from myfy_data.engines.pool.errors import PoolExhausted, ServerLeftError
from myfy_data.engines.pool.idle_queue import IdleQueue
from myfy_data.engines.pool.leak_detection import CheckedOut, Checkout
from myfy_data.engines.pool.loop_affinity import LoopAffinity
from myfy_data.engines.pool.status import build_status
from myfy_data.engines.pool.wait_queue import FairQueue, Wakeup, already_waited
from myfy_data.package_contract import unsupported


class BoundedPool(AsyncAdaptedQueuePool):
    """A queue pool of one profile.

    What comes back, a connection or the place of one that was closed, goes to the longest waiter; a checkout while
    others wait, waits behind them. SQLAlchemy's own queue wakes a waiter and lets the next checkout take the
    connection before it.

    Attributes:
        profile: the profile's name.
        loop_affinity: the loop that may use the pool; checked at each checkout.
        leak_threshold: seconds after which a holder is reported; None for never.
        prefers_read_only: whether the next checkout takes a connection whose server refuses writes by now, if one
            is idle; the others leave those alone as long as there are others. To change it costs a round trip.
        on_recreate: called when the engine is disposed and goes on with a pool that follows this one.
        recorder: measures the engine's work, once something listens.
        writers: the queue of those who write, where there is one and it is known.
    """

    profile: str = ""
    loop_affinity: LoopAffinity | None = None
    leak_threshold: float | None = None
    prefers_read_only: bool = False
    on_recreate: Callable[[], None] | None = None
    recorder: EngineRecorder | None = None
    writers: object = None
    _is_disposed = False
    _queue_class = IdleQueue  # type: ignore[assignment]  # SQLAlchemy's blocks, which is never asked for

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._queue: FairQueue[ConnectionPoolEntry] = FairQueue()
        self._waiters = self._queue.waiters
        self._checked_out = CheckedOut(self.profile, self.leak_threshold, self._dec_overflow, self._note_leak)

    def settle(self, profile: str, loop_affinity: LoopAffinity, leak_threshold: float | None = None) -> BoundedPool:
        """Tell a new pool whose it is; SQLAlchemy's constructor has no room for it."""
        self.profile, self.loop_affinity, self.leak_threshold = profile, loop_affinity, leak_threshold
        self._checked_out = CheckedOut(profile, leak_threshold, self._dec_overflow, self._note_leak)
        return self

    def recreate(self) -> BoundedPool:
        """The empty pool that follows this one when the engine is disposed."""
        pool = super().recreate()
        assert isinstance(pool, BoundedPool)  # noqa: S101 - SQLAlchemy builds it from our own class
        pool.on_recreate, pool.recorder = self.on_recreate, self.recorder
        if self.on_recreate is not None:
            self.on_recreate()
        return (
            pool.settle(self.profile, self.loop_affinity, self.leak_threshold)
            if self.loop_affinity is not None
            else pool
        )

    def connect(self) -> PoolProxiedConnection:
        """Check a connection out.

        Raises:
            PoolExhausted: none became free within `pool_timeout`.
            WrongEventLoopError: the pool belongs to another loop or process.
            DatabaseConnectionError: a new connection was needed and could not be had.
            UnsupportedPackageError: SQLAlchemy went past `_do_get`, so it was not this pool's turn that counted.
        """
        if self.loop_affinity is not None:
            self.loop_affinity.check_current_loop()
        pooled: Any = super().connect()
        if id(pooled._connection_record) not in self._checked_out.ids:  # noqa: SLF001 - nothing public leads to the pool's entry
            pooled.invalidate()
            raise unsupported(SQLALCHEMY, "hands out connections past the pool's '_do_get'", self.profile)
        return pooled  # type: ignore[no-any-return]  # Any for its private attribute

    def evict(self) -> None:
        """Have every connection that is open now replaced at its next checkout; those in use go on until then."""
        self._invalidate_time = time.time()

    @property
    def waiting(self) -> int:
        """Tasks that wait for a connection to come back."""
        return len(self._queue)

    def waited_for(self, pooled: Any) -> float:
        """Seconds that a connection in use was waited for when it was checked out."""
        return self._checked_out.waited_for(id(pooled._connection_record))  # noqa: SLF001 - as in `connect`

    def checked_out(self) -> list[ConnectionPoolEntry]:
        """The entries that are in use now."""
        return self._checked_out.records

    @property
    def longest_checkout(self) -> Checkout | None:
        """The connection that is in use for the longest time."""
        return self._checked_out.longest

    def checkedout(self) -> int:
        """Connections in use; SQLAlchemy's own count begins anew when a pool is disposed."""
        return len(self._checked_out) if self._is_disposed else super().checkedout()

    @property
    def max_overflow(self) -> int:
        """Connections that it may open beyond its size; -1 for no limit."""
        return self._max_overflow

    @property
    def is_exhausted(self) -> bool:
        """Whether the next checkout must wait."""
        full = -1 < self._max_overflow <= self._overflow
        return self.waiting > 0 or (full and self.checkedin() == 0)

    def exhausted(self, waited: float) -> PoolExhausted:
        """The error of a checkout that waited so many seconds."""
        status = build_status(self.profile, self.size(), [self])
        return PoolExhausted(status, self._max_overflow, waited, self.longest_checkout)

    def resize(self, size: int, max_overflow: int) -> list[ConnectionPoolEntry]:
        """Keep another number of connections from now on; those in use that are too many close when they come back.

        Returns:
            Idle connections that are too many, for the caller to close by `drop`.
        """
        before, self._pool = self._pool, type(self._pool)(size, use_lifo=self._pool.use_lifo)
        self._overflow += before.maxsize - size
        self._max_overflow = max_overflow
        surplus = []
        with suppress(Empty):
            while True:
                record = before.get_nowait()
                if self._pool.full():
                    surplus.append(record)
                else:
                    self._pool.put_nowait(record)
        self._serve()
        return surplus

    def drop(self, record: ConnectionPoolEntry) -> None:
        """Close a connection that is in the pool no more. Called inside SQLAlchemy's greenlet."""
        try:
            record.close()
        finally:
            self._dec_overflow()

    def set_bounds(self, pool_timeout: float, pool_recycle: int, leak_threshold: float | None) -> None:
        """Wait, recycle and report by other bounds from now on."""
        self._timeout, self._recycle = pool_timeout, pool_recycle
        self.leak_threshold = self._checked_out.threshold = leak_threshold

    def leave(self) -> None:
        """Its server is no longer used: tasks that wait are told, and choose anew."""
        while self._queue:
            self._queue.hand_over(Wakeup.LEFT)

    def dispose(self) -> None:
        """Close what is idle. What is in use is closed when it comes back, and waiters open anew.

        SQLAlchemy's count of places begins anew, so that as many waiters as it has go on at once. Each further one gets
        the place of whatever comes back: what is in use now, and a pool's places, are the most that are ever open.
        """
        self._is_disposed = True
        super().dispose()
        self._serve()

    # -- SQLAlchemy's two hooks, and the count of places ---------------------------------------------------------------

    def _do_get(self) -> ConnectionPoolEntry:
        read_only, self.prefers_read_only = self.prefers_read_only, False
        found = None if self._waiters else self._take(read_only=read_only)
        waited = 0.0
        if found is None:
            found, waited = self._wait()
        record = self._open() if isinstance(found, Wakeup) else found
        self._checked_out.add(record, waited)
        if self.recorder is not None:
            self.recorder.note_wait(record, waited)
        return record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self._checked_out.remove(record)
        if self._is_disposed:
            self.drop(record)
            return
        try:
            self._pool.put_nowait(record)
        except Full:
            super()._do_return_conn(record)
        if self._waiters:
            self._serve()

    def _note_leak(self) -> None:
        if self.recorder is not None:
            self.recorder.note_incident("leak", "reported")

    def _dec_overflow(self) -> Literal[True]:
        super()._dec_overflow()
        self._serve()
        return True

    # -- taking, waiting, handing over ---------------------------------------------------------------------------------

    def _take(self, *, read_only: bool = False) -> ConnectionPoolEntry | Wakeup | None:
        """An idle connection, or a place for a new one, or nothing."""
        try:
            found = self._pool.get_nowait()
        except Empty:
            return Wakeup.FREE_SLOT if self._inc_overflow() else None
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

    def _wait(self) -> tuple[ConnectionPoolEntry | Wakeup, float]:
        waiter, before = self._queue.enqueue(), already_waited.get()
        clock = waiter.get_loop().time
        started = clock()
        self._serve()  # the garbage collector may have given something back since we looked
        try:
            found = await_only(self._queue.wait(waiter, max(0.0, self._timeout - before)))
        except BaseException:
            self._put_back(self._queue.cancel(waiter))
            raise
        waited = clock() - started
        if found is Wakeup.TIMED_OUT:
            if self.recorder is not None:
                self.recorder.note_timeout(waited)
            raise self.exhausted(before + waited)
        if found is Wakeup.LEFT:
            raise ServerLeftError(self.profile)
        return found, waited

    def _put_back(self, thing: ConnectionPoolEntry | Wakeup | None) -> None:
        if thing is Wakeup.FREE_SLOT:
            self._dec_overflow()
        elif isinstance(thing, ConnectionPoolEntry):
            self._do_return_conn(thing)

    def _serve(self) -> None:
        """Hand what is free to the waiters, the longest first."""
        if not self._waiters:
            return
        elsewhere = self._queue.foreign_loop()
        if elsewhere is not None:  # the garbage collector works in any thread
            with suppress(RuntimeError):  # that loop is closed
                elsewhere.call_soon_threadsafe(self._serve)
            return
        while self._waiters:
            thing = self._take()
            if thing is None:
                return
            if not self._queue.hand_over(thing):
                self._put_back(thing)


def stays_read_only(record: ConnectionPoolEntry) -> bool:
    """Whether the server refuses the writes of a pooled connection until it is told otherwise."""
    connection: Any = record.dbapi_connection
    state = getattr(connection, "stays_read_only", None)
    if state is None:  # it is the driver's connection that knows, if any does
        state = getattr(getattr(connection, "driver_connection", connection), "stays_read_only", False)
    return bool(state)
