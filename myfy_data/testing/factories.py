"""Factories of polyfactory and factory_boy: what they make goes into the session of the running test (C13.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.errors import ConfigError, Problem, SessionError


class TestSessions:
    """The sessions of one test, one for each profile: the fixture `session` is that of the default profile.

    Args:
        open_session: opens one of a profile; of the default one for None.
    """

    __test__ = False  # for pytest

    def __init__(self, open_session: Callable[[str | None], AsyncSession]) -> None:
        self._open = open_session
        self._sessions: dict[str | None, AsyncSession] = {}

    def get(self, profile: str | None = None) -> AsyncSession:
        """The session of a profile, opened at its first use."""
        if profile not in self._sessions:
            self._sessions[profile] = self._open(profile)
        return self._sessions[profile]


class Current:
    """Whose sessions factories use now.

    Attributes:
        sessions: those of the test that runs; None between two.
    """

    sessions: TestSessions | None = None


def current_session(profile: str | None = None) -> AsyncSession:
    """The session of the test that runs.

    Args:
        profile: whose session; the default profile's when None.

    Raises:
        SessionError: none runs, or it does not use the kit.
    """
    if Current.sessions is None:
        message = "a factory was used outside of a test of the kit, where nothing would undo what it stores"
        raise SessionError(profile or "default", f"{message}\n  fix: use it in a test with the fixture `session`")
    return Current.sessions.get(profile)


class TestPersistence:
    """Stores what polyfactory's `create_async` makes, and commits: other sessions see it, and the test's end undoes it.

    Args:
        profile: where; the default profile for None.
    """

    __test__ = False  # for pytest

    def __init__(self, profile: str | None) -> None:
        self._profile = profile

    async def save(self, data: object) -> object:
        """Store one."""
        await self.save_many([data])
        return data

    async def save_many(self, data: list[object]) -> list[object]:
        """Store several."""
        session = current_session(self._profile)
        session.add_all(data)
        await session.commit()
        return data


def bind_factories(*factories: Any, profile: str | None = None) -> None:
    """Have polyfactory's factories use the session of whichever test runs; once, where they stand or in `conftest.py`.

    `await UserFactory.create_async()` stores and commits. A factory of factory_boy, which does not await, names
    `sqlalchemy_session_factory = current_session` in its `Meta`: it adds to the session, and `await session.commit()`
    stores all that was added.

    Args:
        factories: subclasses of polyfactory's `SQLAlchemyFactory`.
        profile: whose session; the default profile's when None.

    Raises:
        ConfigError: one is no such factory.
    """
    for each in factories:
        if not hasattr(each, "__async_persistence__"):
            message = f"{each!r} is no factory of polyfactory"
            fix = "of factory_boy, in class Meta: sqlalchemy_session_factory = current_session"
            raise ConfigError([Problem("argument", "factories", message, fix=fix)])
        each.__async_persistence__ = TestPersistence(profile)
