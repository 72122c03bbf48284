"""A session that one task uses at a time, whose clean-up is never abandoned (contract C5.6, C5.9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.errors import ReadOnlySessionError
from myfy_data.sessions.cancellation import run_to_completion
from myfy_data.sessions.commit_outcome import is_read_only_refusal
from myfy_data.sessions.concurrency import SessionGuard

_REFUSED = (
    "the server refused a write, because this session is read-only\n"
    "  fix: write in a session that is not: without `read_only=True`, of a profile without `read_only = true`"
)

logger: logging.Logger = logging.getLogger("myfy_data")

T = TypeVar("T")
Operation = Callable[[], Coroutine[Any, Any, None]]


class ExclusiveSession(AsyncSession):
    """A session that refuses a second task while one uses it.

    Attributes:
        profile: the profile's name.
        read_only: whether the server refuses writes.
        usage: which task may use the session now, and whether it has ended.
    """

    profile: str
    read_only: bool
    usage: SessionGuard

    async def run_exclusively(self, operation: Callable[..., Awaitable[T]], *args: object, **kwargs: object) -> T:
        """Run an operation of this session, refusing another task's meanwhile.

        Raises:
            SessionError: the session has ended, is used by another task, or began in another loop or process.
            ReadOnlySessionError: the server refused a write, and the session is read-only.
        """
        taken = self.usage.enter()
        try:
            return await operation(*args, **kwargs)
        except DBAPIError as error:
            self.tell_read_only(error)
            raise
        finally:
            if taken:
                self.usage.leave()

    def tell_read_only(self, error: DBAPIError) -> None:
        """Raise in words what a server answers to a write of a session that only reads; nothing for other errors.

        Raises:
            ReadOnlySessionError: the server refused a write, and the session is read-only.
        """
        if self.read_only and is_read_only_refusal(error):
            raise ReadOnlySessionError(self.profile, _REFUSED) from error

    def add(self, instance: object, *args: Any, **kwargs: Any) -> None:
        """Place an object into the session; see SQLAlchemy's `Session.add`."""
        self.usage.check_open()
        super().add(instance, *args, **kwargs)

    def add_all(self, instances: Iterable[object]) -> None:
        """Place several objects into the session; see SQLAlchemy's `Session.add_all`."""
        self.usage.check_open()
        super().add_all(instances)

    async def commit_or_roll_back(self) -> None:
        """Flush and commit; whatever fails is rolled back before it is raised. For callers inside `run_exclusively`."""
        raise NotImplementedError

    async def clean_up(self, operation: Operation, *, after: BaseException) -> None:
        """Run a clean-up whose own failure must not take the place of the error `after`.

        Raises:
            asyncio.CancelledError: the task was cancelled meanwhile and `after` is none; `after` is its context.
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
