"""`retrying`: a unit of work that its author declares repeatable, run again where that can help (ADR 17)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import ModuleType, TracebackType
from typing import Any, Protocol, Self

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from myfy_data.errors import MissingPackageError
from myfy_data.package_contract import PackageContract, is_absent, unusable
from myfy_data.retry.budget import budget_of
from myfy_data.retry.classify import Verdict, verdict_of
from myfy_data.sessions.factory import SessionFactory

_FIRST_PAUSE, _GROWTH, _JITTER, _LONGEST_PAUSE = 0.01, 4, 0.1, 1.0
"""Seconds, except the growth: 0.01 to 0.11 before the second attempt, 0.04 to 0.14 before the third, and so on."""


class SessionSource(Protocol):
    """Whatever has session factories by profile: a `DataModule`."""

    def get_session_factory(self, profile: str | None = None) -> SessionFactory:
        """The session factory of a profile."""
        ...


def retrying(
    source: SessionSource | SessionFactory,
    profile: str | None = None,
    *,
    attempts: int = 3,
    deadline: float = 10.0,
    read_only: bool = False,
) -> Retrying:
    """Run a unit of work, and run it again from its beginning when the database asks for that.

        async for attempt in retrying(data):
            async with attempt as session:
                account = await session.get_one(Account, 1)
                account.balance -= 10

    The caller declares that the block may run several times: what it does beside the database (requests,
    mails, changed objects of its caller) it does again. The session belongs to the block: it commits at the block's
    end and is rolled back when the block raises. What is repeated is a fixed table: conflicts (serialization
    failures, deadlocks, a busy SQLite file) up to `attempts` times, with growing pauses that differ by chance; a
    server that cannot be reached likewise; a connection that was lost before COMMIT, or a server that has become
    read-only, once. A `CommitOutcomeUnknown` is never repeated, nor is a block that has committed by itself before
    it failed.

    Args:
        source: a `DataModule`, or the session factory of one profile.
        profile: the profile's name; the module's default when None.
        attempts: how often the block runs at most.
        deadline: seconds after which no attempt begins; one that runs is not cut short.
        read_only: let the server refuse writes.

    Raises:
        MissingPackageError: stamina is not installed.
        UnsupportedPackageError: it cannot be imported.
        Exception: what the last attempt raised; what is not in the table, at once.
    """
    factory = source if isinstance(source, SessionFactory) else source.get_session_factory(profile)
    return Retrying(factory, attempts=attempts, deadline=deadline, read_only=read_only)


class Retrying(AsyncIterator["Attempt"]):
    """The attempts of one unit of work; made by `retrying`.

    Attributes:
        factory: where the sessions come from.
        read_only: whether they are.
        ends: monotonic seconds after which no attempt begins.
    """

    def __init__(self, factory: SessionFactory, *, attempts: int, deadline: float, read_only: bool) -> None:
        self.factory = factory
        self.read_only = read_only
        self.ends: float = time.monotonic() + deadline
        self._budget = budget_of(factory)
        self._spent: set[Verdict] = set()
        self._verdict: Verdict | None = None
        self._attempts = _stamina().retry_context(
            on=Exception,  # what may not be repeated never gets there
            attempts=attempts,
            timeout=deadline,
            wait_initial=_FIRST_PAUSE,
            wait_exp_base=_GROWTH,
            wait_jitter=_JITTER,
            wait_max=_LONGEST_PAUSE,
        )

    def __aiter__(self) -> Self:
        self._attempts = aiter(self._attempts)
        return self

    async def __anext__(self) -> Attempt:
        attempt = await anext(self._attempts)
        if self._verdict is not None:
            self.factory.note_retry(self._verdict.name.lower())
        return Attempt(self, attempt)

    def note_success(self) -> None:
        """Note that the unit of work ended well."""
        self._budget.earn()

    def may_repeat(self, error: BaseException, pause: float) -> bool:
        """Whether another attempt may follow this error, after a pause of so many seconds."""
        verdict = self._verdict = verdict_of(error)
        if verdict is Verdict.FINAL or time.monotonic() + pause + _JITTER >= self.ends:
            return False
        if verdict.is_for_once and verdict in self._spent:
            return False
        self._spent.add(verdict)
        return not verdict.is_trouble or self._budget.spend()


class Attempt(AbstractAsyncContextManager[AsyncSession]):
    """One run of a unit of work, with a session of its own.

    Attributes:
        number: 1 for the first attempt.
    """

    def __init__(self, unit: Retrying, attempt: Any) -> None:
        self.number: int = attempt.num
        self._unit = unit
        self._attempt = attempt
        self._block = unit.factory.session_context(read_only=unit.read_only)
        self._has_committed = self._is_in_autocommit = False

    async def __aenter__(self) -> AsyncSession:
        self._attempt.__enter__()
        session = await self._block.__aenter__()
        event.listen(session.sync_session, "after_commit", self._note_commit)
        if not self._unit.read_only:  # else the server refuses every write, in AUTOCOMMIT too
            event.listen(session.sync_session, "after_begin", self._note_begin)
        return session

    def _note_commit(self, session: Session) -> None:
        # Told of savepoints, too: those commit nothing.
        self._has_committed = self._has_committed or not session.in_nested_transaction()

    def _note_begin(self, _session: Session, _transaction: object, connection: Connection) -> None:
        # In AUTOCOMMIT each statement is stored by itself from here on.
        held: Any = connection.connection.dbapi_connection
        self._is_in_autocommit = self._is_in_autocommit or connection.dialect.detect_autocommit_setting(held)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            await self._block.__aexit__(kind, error, traceback)
        except Exception as failure:
            error = failure
            if not self._may_repeat(failure):
                raise
        else:
            if error is None:
                self._unit.note_success()
            elif not self._may_repeat(error):
                return False
        return bool(self._attempt.__exit__(type(error) if error else None, error, traceback))

    def _may_repeat(self, error: BaseException) -> bool:
        if not (self._has_committed or self._is_in_autocommit):
            return self._unit.may_repeat(error, self._attempt.next_wait)
        if verdict_of(error) is not Verdict.FINAL:
            error.add_note(_COMMITTED if self._has_committed else _IN_AUTOCOMMIT)
        return False


_COMMITTED = "not repeated: the unit of work had committed a part of itself before"
_IN_AUTOCOMMIT = "not repeated: in AUTOCOMMIT each statement is a transaction of its own, and may be stored"


def _stamina() -> ModuleType:
    try:
        import stamina  # noqa: PLC0415 - an optional package
    except ImportError as error:
        if not is_absent("stamina", error):
            raise unusable(PackageContract("stamina", "stamina"), error) from error
        message = "retrying() stands on the package 'stamina', which is not installed"
        raise MissingPackageError(message, package="stamina", install="pip install 'myfy-data[retry]'") from error
    return stamina
