"""The exceptions that are also SQLAlchemy's, so they cannot stand in `myfy_data.errors` (ADR 0002)."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, MissingGreenlet, OperationalError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError

from myfy_data.engines.pool.leak_detection import Checkout
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.errors import DatabaseConnectionError, DatabaseTimeoutError, SessionError


class PoolExhausted(DatabaseTimeoutError, SQLAlchemyTimeoutError):
    """No connection became free within `pool_timeout`; for a SQLite writer: its turn to write never came.

    Attributes:
        profile: the profile's name.
        size: connections that the pool keeps.
        max_overflow: connections allowed beyond `size`; -1 for no limit.
        checked_out: connections in use when the wait ended.
        overflow: connections beyond `size` when the wait ended.
        waited: seconds spent waiting.
        waiting: tasks that were still waiting.
        longest_held: seconds for which the longest holder has its connection; None when there is none.
        checked_out_at: the lines of code where it was checked out; empty without `pool_leak_detection_threshold`.
    """

    def __init__(self, status: PoolStatus, max_overflow: int, waited: float, longest: Checkout | None = None) -> None:
        self.profile: str = status.profile
        self.size: int = status.size
        self.max_overflow = max_overflow
        self.checked_out: int = status.checked_out
        self.overflow: int = status.overflow
        self.waited = waited
        self.waiting: int = status.waiting
        self.longest_held: float | None = longest.age if longest is not None else None
        self.checked_out_at: str = longest.place if longest is not None else ""
        text = f"profile {self.profile!r}: {self._what()}\n  fix: {self._fix()}"
        super().__init__(self.profile, "checkout", waited, text)

    def _what(self) -> str:
        numbers = (
            f"no connection became free within {self.waited:.1f} s (pool_size={self.size}"
            f" max_overflow={self.max_overflow} checked_out={self.checked_out} waiting={self.waiting})"
        )
        if self.longest_held is None:
            return numbers
        held = f"{numbers}; one is in use for {self.longest_held:.1f} s"
        return f"{held}, checked out at\n{self.checked_out_at}" if self.checked_out_at else held

    def _fix(self) -> str:
        table = f"[data.profiles.{self.profile}]"
        look = "" if self.checked_out_at else f"; pool_leak_detection_threshold = 30 in {table} tells who holds them"
        return (
            "close sessions sooner (do not open a second one while the first is in use), or raise"
            f" pool_size in {table}{look}"
        )


class ServerLeftError(DatabaseConnectionError):
    """The server whose connection was wanted is no longer used; with several servers another one is chosen."""

    def __init__(self, profile: str) -> None:
        super().__init__(profile, "this server", "it is no longer used", "take a new connection: roll back first")


class WriterQueueTimeout(PoolExhausted):
    """A SQLite file lets one transaction write at a time, and the turn of this one did not come."""

    def __init__(self, profile: str, *, waited: float) -> None:
        status = PoolStatus(profile, size=1, checked_in=0, checked_out=1, overflow=0, waiting=0)
        super().__init__(status, 0, waited)

    def _what(self) -> str:
        return f"no turn to write within {self.waited:.1f} s: SQLite lets one transaction write at a time"

    def _fix(self) -> str:
        return "end write transactions sooner, and read in sessions that are read-only: data.session(read_only=True)"


class SelfDeadlock(PoolExhausted):
    """A task waits for what another session of its own holds; told at once, because it would wait in vain."""

    def __init__(self, profile: str, what: str) -> None:
        self._told = what
        status = PoolStatus(profile, size=1, checked_in=0, checked_out=1, overflow=0, waiting=0)
        super().__init__(status, 0, 0.0)

    def _what(self) -> str:
        return self._told

    def _fix(self) -> str:
        return "commit or close that session before, or do the work in it"


class StatementInterrupted(DatabaseTimeoutError, OperationalError):
    """SQLite worked on a statement until its deadline, and was interrupted; the transaction is still open."""

    def __init__(self, profile: str, seconds: float, error: DBAPIError) -> None:
        vars(self).update(vars(error))
        text = (
            f"profile {profile!r}: a statement was interrupted after {seconds:g} s\n"
            "  fix: make it faster; work that takes longer needs a larger command_timeout (or statement_timeout)"
        )
        super().__init__(profile, "statement", seconds, text)


class LazyLoadError(SessionError, MissingGreenlet):
    """An attribute was read that is not loaded, where nothing can be awaited; names it, and what loads it."""

    code: str | None = None  # type: ignore[assignment]  # as in most of its errors; else it adds a link behind the fix
