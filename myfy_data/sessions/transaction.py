"""`async with session.begin()` and `begin_nested()`, under the same rules as `commit()` (contract C5.2, C5.3)."""

from __future__ import annotations

from types import TracebackType

from sqlalchemy.ext.asyncio import AsyncSessionTransaction

from myfy_data.sessions.exclusive_session import ExclusiveSession


class ProfileTransaction(AsyncSessionTransaction):
    """A transaction or savepoint of a session of one profile."""

    __slots__ = ("_owner",)

    def __init__(self, owner: ExclusiveSession, *, nested: bool = False) -> None:
        super().__init__(owner, nested)
        self._owner = owner

    async def start(self, is_ctxmanager: bool = False) -> ProfileTransaction:  # noqa: FBT001, FBT002 - as SQLAlchemy's
        """Begin; nothing is sent before the first statement, a savepoint excepted."""
        await self._owner.run_exclusively(lambda: super(ProfileTransaction, self).start(is_ctxmanager))
        return self

    async def commit(self) -> None:
        """Commit, or release the savepoint; a COMMIT that fails is rolled back first.

        Raises:
            CommitOutcomeUnknown: the answer to COMMIT never came (contract C5.3).
        """
        if self.nested:
            await self._owner.run_exclusively(super().commit)
        else:
            await self._owner.commit()

    async def rollback(self) -> None:
        """Roll back, to the savepoint or altogether."""
        if self.nested:
            await self._owner.run_exclusively(super().rollback)
        else:
            await self._owner.rollback()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            await self._leave(error)
        else:
            await self._owner.run_exclusively(self._release if self.nested else self._commit)

    async def _release(self) -> None:
        await super().__aexit__(None, None, None)

    async def _commit(self) -> None:
        # SQLAlchemy allows one commit() inside the block; what is left for its own exit is to leave.
        try:
            if self.is_active:
                await self._owner.commit_or_roll_back()
        except BaseException as error:
            await self._leave(error)
            raise
        await self._release()

    async def _leave(self, error: BaseException) -> None:
        await self._owner.clean_up(
            lambda: super(ProfileTransaction, self).__aexit__(type(error), error, error.__traceback__), after=error
        )
