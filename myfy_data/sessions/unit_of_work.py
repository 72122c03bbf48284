"""One request's sessions, ended together: all of them committed, or none begun to be (contract C5)."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.errors import CommitOutcomeUnknown, PartialCommitError, SessionError
from myfy_data.sessions.cancellation import run_to_completion, start, wait_until_done
from myfy_data.sessions.commit_outcome import Outcome, describe_outcome
from myfy_data.sessions.factory import SessionFactory
from myfy_data.sessions.session import ProfileSession

logger: logging.Logger = logging.getLogger("myfy_data")

UNKNOWN_OUTCOME = "The outcome of this request is unknown: it may have been stored."
"""What hosts answer, with 503, to a `CommitOutcomeUnknown` that is not handled (contract C5.3)."""

NO_SERVER: str = "The database cannot serve this now; another try may succeed."
"""What hosts answer, with 503 and `Retry-After`, to a `ClusterError` that is not handled (contract C11.3)."""


def retry_after(error: BaseException) -> dict[str, str]:
    """The header that says in whole seconds when another try makes sense."""
    seconds: float = getattr(error, "retry_after", 1.0)
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


_FIRST_ERROR_STATUS = 400

_AFTER_END = (
    "the request's session was used after its end: it ends before the first byte of the response\n"
    "  fix: in a stream or a background task, open one there: `async with data.session() as session:`"
)


class UnitOfWork:
    """One session per profile, and one that only reads, from the first need of a request until its outcome is known.

    Hosts call `commit` or `roll_back` once; what comes later finds the unit ended.

    Attributes:
        failed: a host saw an exception that it will answer itself; `commit` then rolls back (contract C5.1).
    """

    __slots__ = ("_ended", "_sessions", "failed")

    def __init__(self) -> None:
        self._sessions: dict[tuple[SessionFactory, bool], ProfileSession] = {}
        self._ended = False
        self.failed: bool = False

    @property
    def ended(self) -> bool:
        """Whether the outcome is decided."""
        return self._ended

    def session(self, factory: SessionFactory, *, read_only: bool = False) -> AsyncSession:
        """The unit's session of a profile; the same one for each call.

        Args:
            factory: the profile's.
            read_only: another one, whose writes the server refuses (contract C5.10, C11.2).

        Raises:
            SessionError: the unit has ended.
        """
        if self._ended:
            raise SessionError(factory.profile, _AFTER_END)
        session = self._sessions.get((factory, read_only))
        if session is None:
            session = self._sessions[factory, read_only] = factory.make_session(read_only=read_only)
            session.usage.after_end = _AFTER_END
        return session

    async def end(self, status: int) -> None:
        """Commit or roll back, as the status of the response decides (contract C5.1).

        Args:
            status: of HTTP, as the router answers.

        Raises:
            Exception: as `commit`.
        """
        if status < _FIRST_ERROR_STATUS:
            await self.commit()
        else:
            await self.roll_back()

    async def commit(self) -> None:
        """Commit every session in the order of their first use, and end them; roll back if the unit has failed.

        Raises:
            CommitOutcomeUnknown: the answer to COMMIT never came (contract C5.3).
            PartialCommitError: an earlier profile is stored, a later one is not (contract C5.7).
            Exception: whatever a flush or a COMMIT raised; nothing is stored.
        """
        if self.failed:
            await self.roll_back()
            return
        self._ended = True
        sessions = self._to_commit()
        for session in sessions:
            session.outcome = Outcome.NOT_REACHED  # a handler may have committed, which is not this end
        try:
            if len(sessions) > 1:
                await _commit_together(sessions)
            elif sessions:
                await sessions[0].commit()
        except BaseException as error:
            _log(sessions, error)
            await self.roll_back(after=error)
            raise
        await self._close_all()

    def _to_commit(self) -> list[ProfileSession]:
        # A read-only session has nothing to lose: its end cannot make a request fail.
        begun = [one for one in self._sessions.values() if one.in_transaction() and not one.read_only]
        return sorted(begun, key=lambda session: session.usage.first or 0)

    async def roll_back(self, *, after: BaseException | None = None) -> None:
        """Roll back every session and end it.

        Args:
            after: the error that this follows; a failure here never takes its place.

        Raises:
            asyncio.CancelledError: the task was cancelled meanwhile, and `after` is none.
        """
        self._ended = True
        try:
            if any(session.in_transaction() for session in self._sessions.values()):
                await run_to_completion(self._close_all())
            else:
                await self._close_all()
        except asyncio.CancelledError:
            if not isinstance(after, asyncio.CancelledError):
                raise

    async def _close_all(self) -> None:
        for session in reversed(self._sessions.values()):
            try:
                await session.close()
            except Exception as failure:  # noqa: BLE001 - the outcome is decided; the server rolls back what we could not
                logger.warning("profile %r: its session did not end well: %s", session.profile, type(failure).__name__)


def _log(sessions: Sequence[ProfileSession], error: BaseException) -> None:
    # Without a traceback: the host's own log has it, where the error is not handled.
    logger.error("%s", describe_outcome({session.profile: session.outcome for session in sessions}, error))


async def _commit_together(sessions: Sequence[ProfileSession]) -> None:
    for session in sessions:
        await session.flush()
    # Once the first COMMIT is out, a cancellation would only tear the profiles apart: it waits for all of them.
    task = start(_commit_in_order(sessions))
    cancelled = await wait_until_done(task)
    failure = task.exception()
    if cancelled is None:
        return task.result()
    if isinstance(failure, CommitOutcomeUnknown | PartialCommitError):
        raise failure from cancelled
    cancelled.add_note(describe_outcome({session.profile: session.outcome for session in sessions}, cancelled))
    raise cancelled


async def _commit_in_order(sessions: Sequence[ProfileSession]) -> None:
    committed: list[str] = []
    for session in sessions:
        try:
            await session.commit()
        except Exception as error:
            if not committed:
                raise
            unknown = session.outcome.may_be_stored
            session.tell_outcome("partial")
            raise PartialCommitError(committed, session.profile, unknown=unknown) from error
        committed.append(session.profile)
