"""The pool: SQLAlchemy's, with a home, with the number of those who wait, and with our words when it is exhausted."""

from __future__ import annotations

import time

from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection

from myfy_data.engines.errors import PoolExhausted
from myfy_data.engines.home import Home


class BoundedPool(AsyncAdaptedQueuePool):
    """A queue pool of one profile.

    Attributes:
        profile: the profile's name.
        home: the loop that may use the pool; checked at each checkout.
        waiting: tasks that wait for a connection to come back.
    """

    profile = ""
    home: Home | None = None
    waiting = 0

    def settle(self, profile: str, home: Home) -> BoundedPool:
        """Tell a new pool whose it is; SQLAlchemy's constructor has no room for it."""
        self.profile, self.home = profile, home
        return self

    def recreate(self) -> BoundedPool:
        """The empty pool that follows this one when the engine is disposed."""
        pool = super().recreate()
        assert isinstance(pool, BoundedPool)  # noqa: S101 - SQLAlchemy builds it from our own class
        return pool.settle(self.profile, self.home) if self.home is not None else pool

    def connect(self) -> PoolProxiedConnection:
        """Check a connection out.

        Raises:
            PoolExhausted: none became free within `pool_timeout`.
            WrongEventLoopError: the pool belongs to another loop or process.
            DatabaseConnectionError: a new connection was needed and could not be had.
        """
        if self.home is not None:
            self.home.enter()
        return super().connect()

    def _do_get(self) -> ConnectionPoolEntry:
        if not self.is_exhausted:
            return super()._do_get()
        started = time.monotonic()
        self.waiting += 1
        try:
            return super()._do_get()
        except PoolExhausted:
            raise
        except SQLAlchemyTimeoutError:
            exhausted = self.exhausted(time.monotonic() - started)
        finally:
            self.waiting -= 1
        raise exhausted

    @property
    def is_exhausted(self) -> bool:
        """Whether the next one who asks must wait."""
        return -1 < self._max_overflow <= self._overflow and self.checkedin() == 0

    def exhausted(self, waited: float) -> PoolExhausted:
        """The error for somebody who waited so many seconds in vain."""
        return PoolExhausted(
            self.profile,
            size=self.size(),
            max_overflow=self._max_overflow,
            checked_out=self.checkedout(),
            waited=waited,
        )
