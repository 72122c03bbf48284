"""The session of one profile: an `AsyncSession` that tells the truth about its end (contract C5)."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, NoReturn

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.engines import observation
from myfy_data.engines.pool.loop_affinity import running_loop
from myfy_data.errors import CommitOutcomeUnknown
from myfy_data.sessions.cancellation import run_to_completion, start, wait_until_done
from myfy_data.sessions.commit_outcome import Outcome
from myfy_data.sessions.concurrency import SessionGuard
from myfy_data.sessions.exclusive_session import ExclusiveSession, Operation
from myfy_data.sessions.session_engine import EngineSource, SessionEngine
from myfy_data.sessions.sync_session import SyncSession
from myfy_data.sessions.transaction import ProfileTransaction
from myfy_data.settings.database_settings import DatabaseSettings

logger: logging.Logger = logging.getLogger("myfy_data")

_STORED = "COMMIT was answered before this cancellation: the work is stored"

_GRACE = 1.0
"""Seconds beyond `command_timeout` for the engine, whose own deadline it is, to give the COMMIT up."""


class ProfileSession(ExclusiveSession):
    """A session of one profile. Users type it as SQLAlchemy's `AsyncSession`, which it is.

    It is rolled back before it is closed, on every path; a cancellation waits for that. Used by two tasks at once,
    after its end, or in another event loop or process, it says so.

    Args:
        profile: the profile's name.
        engines: where the engine comes from, at the first statement.
        settings: the profile's settings; a cancelled COMMIT goes on waiting for its answer for `command_timeout`.
        read_only: whether the server refuses writes.
        chosen: which of several servers it reads from, and what that must have: `read_from`, `after`.
        options: SQLAlchemy's, for sessions that a library asked for.

    Attributes:
        usage: which task may use the session now, and whether it has ended.
    """

    sync_session: SyncSession  # pyright: ignore[reportIncompatibleVariableOverride]  # set once, by SQLAlchemy

    def __init__(
        self,
        profile: str,
        engines: EngineSource,
        settings: DatabaseSettings,
        *,
        read_only: bool = False,
        chosen: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        info = {"profile": profile, **(options.pop("info", None) or {})}
        options = {"sync_session_class": SyncSession, "expire_on_commit": False, **options}
        super().__init__(close_resets_only=False, **options)
        self.profile = profile
        self.read_only = read_only
        self._patience = settings.command_timeout + _GRACE
        self.usage: SessionGuard = SessionGuard(profile, settings.command_timeout)
        lazy = self.sync_session
        lazy.info, lazy.profile = info, profile
        lazy.source = self._source = SessionEngine(
            self, engines, self.usage, profile, read_only=read_only, chosen=chosen or {}
        )
        del lazy.bind  # None is SQLAlchemy's word for a session without an engine

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of profile {self.profile!r}>"

    # -- the engine --------------------------------------------------------------------------------------------

    @property  # type: ignore[misc]  # SQLAlchemy's can be set
    def bind(self) -> AsyncEngine:  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        """The engine of the profile: the session's own from its first statement on, before that the running loop's.

        It may be opened for that, and makes no connection.
        """
        return self._source.engine or self._source.ask()

    # -- what it wrote -----------------------------------------------------------------------------------------

    @property
    def token(self) -> str | None:
        """What the session wrote, for `after=` elsewhere (contract C11.4); None as long as it has committed nothing.

        Once it has ended, it says how far the primary was, where `reads.from` leads to replicas; in a request a moment
        later. Until then, and elsewhere, it leads to the primary, or waits for a replica to be where that is.
        """
        return None if self.read_only else self.sync_session.token

    async def _settle_token(self) -> None:
        """Wait for what the token needs, except in a request, where no response is to be late for it."""
        answer = self.sync_session.awaited_answer
        if answer is None or answer.done() or answer.get_loop() is not running_loop():
            return
        try:
            await asyncio.wait([answer])
        except asyncio.CancelledError as cancelled:
            cancelled.add_note(f"profile {self.profile!r}: {_STORED}")
            raise

    # -- transactions ------------------------------------------------------------------------------------------

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
            SessionError: the session has ended, is used by another task, or began in another loop or process.
        """
        usage = self.usage
        if usage.ended or usage.first is None:
            usage.check_open()
        if self.sync_session.in_transaction():
            await self.commit_or_roll_back()

    async def commit_or_roll_back(self) -> None:
        """Flush and commit; whatever fails is rolled back before it is raised."""
        taken = self.usage.enter()
        try:
            task = start(super().commit())
            if not task.done():
                cancelled = await wait_until_done(task, self._patience, self._may_be_interrupted)
                if cancelled is not None:
                    await self._raise_cancelled(task, cancelled)
            task.result()
        except BaseException as error:
            await self.clean_up(super().rollback, after=error)
            if isinstance(error, DBAPIError):
                self.tell_read_only(error)
            raise
        finally:
            if taken:
                self.usage.leave()

    async def _raise_cancelled(self, task: asyncio.Task[None], cancelled: asyncio.CancelledError) -> NoReturn:
        """Tell a cancellation what became of COMMIT, which is given up if it has no answer by now."""
        if not task.done():
            task.cancel()
            await wait_until_done(task)
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
        told = f"COMMIT was answered before this cancellation: it failed with {name}"
        return _STORED if self.outcome is Outcome.STORED else told

    @property
    def outcome(self) -> Outcome:
        """What the last call of `commit` came to, since this was set."""
        return self.sync_session.outcome

    @outcome.setter
    def outcome(self, outcome: Outcome) -> None:
        self.sync_session.outcome = outcome

    def tell_outcome(self, outcome: observation.Outcome) -> None:
        """Tell those who listen to the engine what became of a COMMIT."""
        self.sync_session.tell_outcome(outcome)

    def _may_be_interrupted(self) -> bool:
        """Whether the commit that runs has not come to COMMIT yet."""
        return not self.sync_session.is_committing

    async def rollback(self) -> None:
        """Roll the transaction back, waiting for an operation that another task still has under way.

        Raises:
            SessionError: the session has ended, or began in another loop or process.
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

    # -- the end of the session --------------------------------------------------------------------------------

    async def close(self) -> None:
        """Roll back what is not committed, then end the session for good; a second call does nothing.

        Raises:
            WrongEventLoopError: the session began in another event loop or process.
            ConcurrentSessionError: another task's operation does not end within `command_timeout`.
        """
        self.usage.ended = True
        if self.sync_session.in_transaction():
            await run_to_completion(self._last(self._roll_back_and_close))
        else:
            self.sync_session.close()  # nothing is sent, so SQLAlchemy's greenlet is not needed
        if self.sync_session.awaited_answer is not None:
            await self._settle_token()

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


_OWN = frozenset(vars(ProfileSession)) | {"aclose", "close_all"}


def _exclusive(method: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    @functools.wraps(method)
    async def exclusive(self: ProfileSession, *args: object, **kwargs: object) -> object:
        # As `run_exclusively`, and not by it: a coroutine more for each statement.
        taken = self.usage.enter()
        try:
            return await method(self, *args, **kwargs)
        except DBAPIError as error:
            self.tell_read_only(error)
            raise
        finally:
            if taken:
                self.usage.leave()

    return exclusive


# Every awaiting method of SQLAlchemy's, those of versions to come included; the signatures stay SQLAlchemy's.
for _name, _method in vars(AsyncSession).items():
    if inspect.iscoroutinefunction(_method) and not _name.startswith("_") and _name not in _OWN:
        setattr(ProfileSession, _name, _exclusive(_method))
