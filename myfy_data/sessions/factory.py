"""`SessionFactory`: sessions of one profile for jobs, scripts and hosts (seed S9, contract C4)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.sessions.session import EngineSource, ProfileSession
from myfy_data.settings.models import DatabaseSettings


class SessionContext(AbstractAsyncContextManager[AsyncSession]):
    """One block of work: commits when it ends well, rolls back otherwise, and always ends its session (C5)."""

    __slots__ = ("_session",)

    def __init__(self, session: ProfileSession) -> None:
        self._session = session

    async def __aenter__(self) -> AsyncSession:
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            try:
                await self._session.commit()
            except BaseException as failure:
                await self._session.clean_up(self._session.close, after=failure)
                raise
        await self._session.__aexit__(kind, error, traceback)


class SessionFactory:
    """Makes sessions of one profile; usable from any task, event loop and process (contract C4).

    Args:
        profile: the profile's name.
        registry: where its engine comes from, at a session's first statement.
        settings: the profile's settings.
    """

    def __init__(self, profile: str, registry: EngineSource, settings: DatabaseSettings) -> None:
        self._profile = profile
        self._registry = registry
        self._settings = settings

    def __repr__(self) -> str:
        return f"{type(self).__name__}(profile={self._profile!r})"

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self._profile

    @property
    def settings(self) -> DatabaseSettings:
        """The profile's settings."""
        return self._settings

    def session_context(self, *, read_only: bool = False) -> AbstractAsyncContextManager[AsyncSession]:
        """A block with a session: committed when the block ends well, rolled back when it raises.

        Args:
            read_only: let the server refuse writes (contract C5.10); always so for a `read_only` profile.

        Raises:
            CommitOutcomeUnknown: at the block's end, when the answer to COMMIT never came (contract C5.3).
        """
        return SessionContext(self.make_session(read_only=read_only))

    def create_session(self, *, read_only: bool = False) -> AsyncSession:
        """A session that the caller commits and closes; `async with` closes it, rolling back what is left.

        Args:
            read_only: let the server refuse writes (contract C5.10); always so for a `read_only` profile.
        """
        return self.make_session(read_only=read_only)

    def make_session(self, *, read_only: bool = False) -> ProfileSession:
        """As `create_session`, for whoever ends sessions on behalf of others."""
        read_only = read_only or self._settings.read_only
        return ProfileSession(self._profile, self._registry, self._settings, read_only=read_only)
