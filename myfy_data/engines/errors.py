"""The exceptions that are also SQLAlchemy's, so they cannot stand in `myfy_data.errors` (ADR 0002)."""

from __future__ import annotations

from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError

from myfy_data.errors import DataModuleError


class PoolExhausted(DataModuleError, SQLAlchemyTimeoutError):
    """No connection became free within `pool_timeout`; for a SQLite writer: its turn to write never came.

    Attributes:
        profile: the profile's name.
        size: connections that the pool keeps.
        max_overflow: connections allowed beyond `size`; -1 for no limit.
        checked_out: connections in use when the wait ended.
        waited: seconds spent waiting.
    """

    def __init__(self, profile: str, *, size: int, max_overflow: int, checked_out: int, waited: float) -> None:
        self.profile = profile
        self.size = size
        self.max_overflow = max_overflow
        self.checked_out = checked_out
        self.waited = waited
        super().__init__(f"profile {profile!r}: {self._what()}\n  fix: {self._fix()}")

    def _what(self) -> str:
        return (
            f"no connection became free within {self.waited:.1f} s"
            f" (pool_size={self.size} max_overflow={self.max_overflow} checked_out={self.checked_out})"
        )

    def _fix(self) -> str:
        return (
            "close sessions sooner (do not open a second one while the first is in use), or raise"
            f" pool_size in [data.profiles.{self.profile}]"
        )


class WriterQueueTimeout(PoolExhausted):
    """A SQLite file lets one transaction write at a time, and the turn of this one did not come."""

    def __init__(self, profile: str, *, waited: float) -> None:
        super().__init__(profile, size=1, max_overflow=0, checked_out=1, waited=waited)

    def _what(self) -> str:
        return f"no turn to write within {self.waited:.1f} s: SQLite lets one transaction write at a time"

    def _fix(self) -> str:
        return "end write transactions sooner, and read in sessions that are read-only: data.session(read_only=True)"
