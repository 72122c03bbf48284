"""Deadlines of a profile that defeat each other: the load goes on, and `config check` warns (contract C10; ADR 19)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from myfy_data.origins import KeyPath
    from myfy_data.settings.models import ProfileSettings


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two deadlines in the wrong order.

    Attributes:
        keys: both key paths below the profile, the one to change first.
        message: what comes of it.
        value: what to give the first key, in seconds.
    """

    keys: tuple[KeyPath, KeyPath]
    message: str
    value: float

    def said(self, settings: ProfileSettings) -> KeyPath:
        """The key that was given a value; the first one, when it is both or neither."""
        first, second = self.keys
        return second if not _is_said(settings, first) and _is_said(settings, second) else first


def _is_said(settings: ProfileSettings, path: KeyPath) -> bool:
    *tables, key = path
    table = getattr(settings, str(tables[0])) if tables else settings
    return key in table.model_fields_set


def deadline_doubts(settings: ProfileSettings, backend: str) -> Iterator[Doubt]:
    """Each pair of deadlines of which one never gets to act.

    Args:
        settings: a profile.
        backend: `sqlite`, `postgresql` or `mysql`.
    """
    if backend == "sqlite":
        yield from _sqlite_doubts(settings)
        return
    connect, pool, idle, recycle = (
        settings.connect_timeout,
        settings.pool_timeout,
        settings.pool_pre_ping_idle,
        settings.pool_recycle,
    )
    if connect >= pool:
        message = (
            f"connect_timeout ({connect:g} s) is not below pool_timeout ({pool:g} s): when the server does not answer,"
            " those who wait for a connection are told that the pool is exhausted"
        )
        yield Doubt((("connect_timeout",), ("pool_timeout",)), message, pool / 2)
    if settings.statement_timeout is not None and settings.statement_timeout >= settings.command_timeout:
        message = (
            f"statement_timeout ({settings.statement_timeout:g} s) is not below command_timeout"
            f" ({settings.command_timeout:g} s): the connection is given up before the server stops the statement"
        )
        yield Doubt((("command_timeout",), ("statement_timeout",)), message, settings.statement_timeout + 5)
    if settings.pool_pre_ping and idle >= recycle > 0:
        message = (
            f"pool_pre_ping_idle ({idle:g} s) is not below pool_recycle ({recycle:g} s):"
            " a connection is replaced before it is ever tested"
        )
        yield Doubt((("pool_pre_ping_idle",), ("pool_recycle",)), message, min(0.5, recycle / 2))


def _sqlite_doubts(settings: ProfileSettings) -> Iterator[Doubt]:
    deadline = min(settings.command_timeout, settings.statement_timeout or settings.command_timeout)
    busy = settings.sqlite.busy_timeout
    if busy >= deadline:
        key = "command_timeout" if deadline == settings.command_timeout else "statement_timeout"
        message = (
            f"busy_timeout ({busy:g} s) is not below {key} ({deadline:g} s): a statement that waits for another"
            " process's lock is interrupted before SQLite can say so"
        )
        lock: KeyPath = ("sqlite", "busy_timeout")
        if _is_said(settings, lock):
            yield Doubt((lock, (key,)), message, deadline / 2)
        else:
            yield Doubt(((key,), lock), message, busy + 5)
