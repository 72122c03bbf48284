"""The session of one profile: an `AsyncSession` that tells the truth about its end (contract C5)."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.engines.home import running_loop
from myfy_data.errors import CommitOutcomeUnknown, ReadOnlySessionError
from myfy_data.sessions.lazy import LazySession
from myfy_data.sessions.outcomes import Outcome, is_read_only_refusal
from myfy_data.sessions.shielding import run_to_completion, start, wait_until_done
from myfy_data.sessions.transaction import ProfileTransaction
from myfy_data.sessions.usage import SessionUsage
from myfy_data.settings.models import DatabaseSettings

logger = logging.getLogger("myfy_data")

_REFUSED = (
    "the server refused a write, because this session is read-only\n"
    "  fix: write in a session that is not: without `read_only=True`, of a profile without `read_only = true`"
)

_GRACE = 1.0
"""Seconds beyond `command_timeout` for the engine, whose own deadline it is, to give the COMMIT up."""

T = TypeVar("T")
Operation = Callable[[], Coroutine[Any, Any, None]]


class EngineSource(Protocol):
    """Whatever gives the engine of a profile for the running event loop; opening it may cost a moment."""

    def get(self, profile: str, *, read_only: bool = False) -> AsyncEngine:
        """The engine of a profile; a `read_only` one lets the server refuse writes."""
        ...


class ProfileSession(AsyncSession):
    """A session of one profile. Users type it as SQLAlchemy's `AsyncSession`, which it is.

    It is rolled back before it is closed, on every path; a cancellation waits for that. Used by two tasks at once,
    after its end, or in another event loop or process, it says so.

    Args:
        profile: the profile's name.
        engines: where the engine comes from, at the first statement.
        settings: the profile's settings; a cancelled COMMIT goes on waiting for its answer for `command_timeout`.
        read_only: whether the server refuses writes.
        options: SQLAlchemy's, for sessions that a library asked for.

    Attributes:
        usage: who may use the session now, and whether it has ended.
    """

    def __init__(
        self,
        profile: str,
        engines: EngineSource,
        settings: DatabaseSettings,
        *,
        read_only: bool = False,
        **options: Any,
    ) -> None:
        options = {"expire_on_commit": False, **options, "info": {"profile": profile, **(options.get("info") or {})}}
        super().__init__(sync_session_class=LazySession, close_resets_only=False, **options)
        self.profile = profile
        self.read_only = read_only
        self._engines = engines
        self._settings = settings
        self.usage = SessionUsage(profile, settings.command_timeout)
        self._engine: AsyncEngine | None = None
        lazy: LazySession = self.sync_session  # type: ignore[assignment]  # it is one
        lazy.profile, lazy.find_bind, lazy.open_bind = profile, self._find_bind, self._open_bind

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of profile {self.profile!r}>"

    # -- the engine --------------------------------------------------------------------------------------------

    @property  # type: ignore[misc]  # SQLAlchemy's can be set
    def bind(self) -> AsyncEngine:  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        """The engine of the profile: the session's own from its first statement on, before that the running loop's.

        It may be opened for that, and makes no connection.
        """
        return self._engine or self._engines.get(self.profile, read_only=self.read_only)

    def _find_bind(self) -> Engine:
        return self.bind.sync_engine

    def _open_bind(self) -> None:
        self.usage.check_open()
        if running_loop() is None:
            return  # asked for the engine only: whichever loop uses the session decides
        self.usage.check_place()
        self._engine = engine = self.bind
        self.sync_session.bind = engine.sync_engine
        if _note_async_bind is not None:
            _note_async_bind(self, engine)

    # -- use: one task at a time -------------------------------------------------------------------------------

    async def run_exclusively(self, operation: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
        """Run an operation of this session, refusing another task's meanwhile.

        Raises:
            SessionError: the session has ended, is used by another task, or began elsewhere.
            ReadOnlySessionError: the server refused a write, and the session is read-only.
        """
        taken = self.usage.enter()
        try:
            return await operation(*args, **kwargs)
        except DBAPIError as error:
            if self.read_only and is_read_only_refusal(error):
                raise ReadOnlySessionError(self.profile, _REFUSED) from error
            raise
        finally:
            if taken:
                self.usage.leave()

    def add(self, instance: object, *args: Any, **kwargs: Any) -> None:
        """Place an object into the session; see SQLAlchemy's `Session.add`."""
        self.usage.check_open()
        super().add(instance, *args, **kwargs)

    def add_all(self, instances: Iterable[object]) -> None:
        """Place several objects into the session; see SQLAlchemy's `Session.add_all`."""
        self.usage.check_open()
        super().add_all(instances)

    def begin(self) -> ProfileTransaction:
        """Begin a transaction; see SQLAlchemy's `AsyncSession.begin`."""
        self.usage.check_open()
        return ProfileTransaction(self)

    def begin_nested(self) -> ProfileTransaction:
        """Begin a savepoint; see SQLAlchemy's `AsyncSession.begin_nested`."""
        self.usage.check_open()
        return ProfileTransaction(self, nested=True)

    # -- the end of a transaction ------------------------------------------------------------------------------

    async def commit(self) -> None:
        """Commit the transaction; work after it is a new one (contract C5.4).

        A COMMIT that fails is rolled back before its error is raised. A cancellation waits for the answer.

        Raises:
            CommitOutcomeUnknown: the answer to COMMIT never came; the work may be stored or not (contract C5.3).
            SessionError: the session has ended, is used by another task, or began elsewhere.
        """
        self.usage.check_open()
        if self.in_transaction():
            await self.run_exclusively(self.commit_or_roll_back)

    async def commit_or_roll_back(self) -> None:
        """Flush and commit; whatever fails is rolled back before it is raised. For callers inside `run_exclusively`."""
        try:
            await self._flush_and_commit()
        except BaseException as error:
            await self.clean_up(super().rollback, after=error)
            raise

    async def _flush_and_commit(self) -> None:
        task = start(super().commit())
        cancelled = await wait_until_done(task, self._settings.command_timeout + _GRACE, self._may_be_interrupted)
        if not task.done():
            task.cancel()
            await wait_until_done(task)
        if cancelled is None:
            return task.result()
        if task.cancelled():
            raise cancelled
        failure = task.exception()
        if isinstance(failure, CommitOutcomeUnknown):
            raise failure from cancelled
        cancelled.add_note(f"profile {self.profile!r}: {self._note_for(failure)}")
        raise cancelled

    def _note_for(self, failure: BaseException | None) -> str:
        """What a cancellation that was held back for COMMIT is told of it."""
        name = type(failure).__name__
        if self.outcome is Outcome.NOT_REACHED:
            return f"nothing was committed: before COMMIT, this failed as well: {name}"
        told = "the work is stored" if self.outcome is Outcome.STORED else f"it failed with {name}"
        return f"COMMIT was answered before this cancellation: {told}"

    @property
    def outcome(self) -> Outcome:
        """What the last call of `commit` came to, since this was set."""
        return self.sync_session.outcome  # type: ignore[attr-defined,no-any-return]  # it is a LazySession

    @outcome.setter
    def outcome(self, outcome: Outcome) -> None:
        self.sync_session.outcome = outcome  # type: ignore[attr-defined]  # as above

    def _may_be_interrupted(self) -> bool:
        """Whether the commit that runs has not come to COMMIT yet."""
        return not self.sync_session.is_committing  # type: ignore[attr-defined]  # it is a LazySession

    async def rollback(self) -> None:
        """Roll the transaction back, waiting for an operation that another task still has under way.

        Raises:
            SessionError: the session has ended, or began elsewhere.
        """
        self.usage.check_open()
        if self.in_transaction():
            await run_to_completion(self._last(super().rollback))

    async def _last(self, operation: Operation) -> None:
        await self.usage.enter_last()
        try:
            await operation()
        finally:
            self.usage.leave()

    async def clean_up(self, operation: Operation, *, after: BaseException) -> None:
        """Run a clean-up whose own failure must not take the place of the error `after`.

        Raises:
            asyncio.CancelledError: a cancellation arrived meanwhile and `after` is none; `after` is its context.
        """
        try:
            await run_to_completion(operation())
        except asyncio.CancelledError:
            if not isinstance(after, asyncio.CancelledError):
                raise
        except Exception as failure:  # noqa: BLE001 - whatever it is, `after` is the error to tell
            note = f"profile {self.profile!r}: the roll back failed as well: {type(failure).__name__}"
            after.add_note(note)
            logger.warning("%s", note)

    # -- the end of the session --------------------------------------------------------------------------------

    async def close(self) -> None:
        """Roll back what is not committed, then end the session for good; a second call does nothing.

        Raises:
            WrongEventLoopError: the session began in another event loop or process.
            ConcurrentSessionError: another task's operation does not end within `command_timeout`.
        """
        self.usage.ended = True
        if self.in_transaction():
            await run_to_completion(self._last(self._roll_back_and_close))
        else:
            self.sync_session.close()  # nothing is sent, so SQLAlchemy's greenlet is not needed

    async def _roll_back_and_close(self) -> None:
        # SQLAlchemy's close() alone gives a connection whose COMMIT failed back with its transaction open: on SQLite
        # the next user of the connection sees those rows, and may commit them.
        try:
            await super().rollback()
        except Exception as failure:  # noqa: BLE001 - the server rolls back what we could not
            logger.warning("profile %r: the roll back before close failed: %s", self.profile, type(failure).__name__)
        finally:
            await super().close()

    async def reset(self) -> None:
        """Roll back and forget every object; the session can be used again."""
        await self.rollback()
        await super().reset()

    async def invalidate(self) -> None:
        """End the session and throw its connection away."""
        self.usage.ended = True
        await run_to_completion(self._last(super().invalidate))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self.close()
        else:
            await self.clean_up(self.close, after=error)


_note_async_bind = getattr(vars(AsyncSession).get("bind"), "fset", None)
"""SQLAlchemy 2.1 finds the asynchronous engine of a synchronous one by what was set here."""

_OWN = frozenset(vars(ProfileSession)) | {"aclose", "close_all"}


def _exclusive(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def exclusive(self: ProfileSession, *args: Any, **kwargs: Any) -> Any:
        return await self.run_exclusively(method, self, *args, **kwargs)

    return exclusive


# Every awaiting method of SQLAlchemy's, those of versions to come included; the signatures stay SQLAlchemy's.
for _name, _method in vars(AsyncSession).items():
    if inspect.iscoroutinefunction(_method) and not _name.startswith("_") and _name not in _OWN:
        setattr(ProfileSession, _name, _exclusive(_method))
