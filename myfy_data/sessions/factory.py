"""`SessionFactory`: sessions of one profile for jobs, scripts, hosts and libraries (seed S9, contract C4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from myfy_data.async_only import AsyncOnly
from myfy_data.engines.cluster.own_writes import window
from myfy_data.errors import ConfigError, Problem
from myfy_data.sessions.noting_session import NotingSession, notes_commits
from myfy_data.sessions.read_source import choice_of
from myfy_data.sessions.session import ProfileSession
from myfy_data.sessions.session_engine import EngineSource
from myfy_data.settings.database_settings import DatabaseSettings

_ELSEWHERE = "async_sessionmaker(data.get_engine(), {}=...)"

_REFUSED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bind": ("a session is bound to the engine of its profile", "async_sessionmaker(...)"),
        "binds": ("a session is bound to the engine of its profile", _ELSEWHERE.format("binds")),
        "class_": ("a session is one that is rolled back before it is closed", _ELSEWHERE.format("class_")),
        "sync_session_class": (
            "the session inside knows what its COMMIT came to",
            _ELSEWHERE.format("sync_session_class"),
        ),
        "twophase": ("no driver prepares a transaction in two phases", "delete twophase"),
        "close_resets_only": ("a session that was closed has ended for good", "await session.reset()"),
    }
)
"""Options of SQLAlchemy's sessions that would take a promise back: why, and what to write."""


class SessionContext(AsyncOnly, AbstractAsyncContextManager[AsyncSession]):
    """One block of work: commits when it ends well, rolls back otherwise, and always ends its session (C5)."""

    __slots__ = ("_session",)

    def __init__(self, session: ProfileSession) -> None:
        self._session = session

    if not TYPE_CHECKING:  # a type checker tells it by itself, unless it finds this

        def __getattr__(self, name: str) -> NoReturn:
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if hasattr(AsyncSession, name):
                message = (
                    f"this is no session yet, and {name!r} is one's\n  fix: async with data.session() as session: ..."
                )
            raise AttributeError(message, name=name, obj=self)

    async def __aenter__(self) -> AsyncSession:
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        session = self._session
        if error is not None:
            await session.__aexit__(kind, error, traceback)
            return
        try:
            if session.sync_session.in_transaction():
                await session.commit_or_roll_back()
            else:
                await session.commit()
        except BaseException as failure:
            await session.clean_up(session.close, after=failure)
            raise
        await session.close()


class SessionFactory(async_sessionmaker[AsyncSession]):
    """Makes sessions of one profile; usable from any task, event loop and process (contract C4).

    It is an `async_sessionmaker`, so libraries that take one take it. What they `configure` holds for sessions made by
    calling the factory or by its `begin()`; those of requests and of `data.session()` stay as they are.

    Args:
        profile: the profile's name.
        registry: where its engine comes from, at a session's first statement.
        settings: the profile's settings.
    """

    def __init__(self, profile: str, registry: EngineSource, settings: DatabaseSettings) -> None:
        self._options: dict[str, Any] = {}
        super().__init__(class_=ProfileSession, expire_on_commit=False)
        self._profile = profile
        self._registry = registry
        self._settings = settings
        self._notes_commits = notes_commits(settings)

    def use(self, settings: DatabaseSettings) -> None:
        """Make sessions with other settings of the profile from now on."""
        self._settings, self._notes_commits = settings, notes_commits(settings)

    def note_retry(self, verdict: str) -> None:
        """Have counted that a unit of work runs again."""
        telemetry = getattr(self._registry, "telemetry", None)  # a registry by itself has none
        if telemetry is not None:
            telemetry.tell("retry", verdict, self._profile)

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

    @property
    def _sessionmaker(self) -> SessionFactory:
        """Itself: packages that were written for upstream's factory reach for the maker inside (contract C15)."""
        return self

    def session_context(
        self, *, read_only: bool = False, read_from: str | None = None, after: str | None = None
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """A block with a session: committed when the block ends well, rolled back when it raises.

        Args:
            read_only: let the server refuse writes (contract C5.10); always so for a `read_only` profile.
            read_from: `"primary"` or `"replica"`, which of several servers to read from (contract C11.2); as
                `reads.from` says when None.
            after: a session's `token`: what it wrote is there (contract C11.2).

        Raises:
            ValueError: `read_from` or `after` without `read_only`, or a `read_from` that is neither.
            CommitOutcomeUnknown: at the block's end, when the answer to COMMIT never came (contract C5.3).
        """
        return SessionContext(self.make_session(read_only=read_only, read_from=read_from, after=after))

    def create_session(
        self, *, read_only: bool = False, read_from: str | None = None, after: str | None = None
    ) -> AsyncSession:
        """A session that the caller commits and closes; `async with` closes it, rolling back what is left.

        Args:
            read_only: let the server refuse writes (contract C5.10); always so for a `read_only` profile.
            read_from: `"primary"` or `"replica"`, which of several servers to read from (contract C11.2); as
                `reads.from` says when None.
            after: a session's `token`: what it wrote is there (contract C11.2).

        Raises:
            ValueError: `read_from` or `after` without `read_only`, or a `read_from` that is neither.
        """
        return self.make_session(read_only=read_only, read_from=read_from, after=after)

    def make_session(
        self, *, read_only: bool = False, read_from: str | None = None, after: str | None = None, **options: object
    ) -> ProfileSession:
        """As `create_session`, for callers that end sessions on behalf of others; `options` are SQLAlchemy's."""
        read_only = read_only or self._settings.read_only
        notes = self._notes_commits and not read_only
        if notes:
            options["sync_session_class"] = NotingSession
        chosen = None
        if read_from is not None or after is not None:
            chosen = choice_of(read_only=read_only, read_from=read_from, after=after)
        session = ProfileSession(
            self._profile, self._registry, self._settings, read_only=read_only, chosen=chosen, **options
        )
        if notes:
            session.sync_session.window = window(self._settings)  # type: ignore[attr-defined]  # it is a NotingSession
        return session

    # -- as an async_sessionmaker ------------------------------------------------------------------------------

    @property  # type: ignore[override]  # an attribute in SQLAlchemy
    def kw(self) -> Mapping[str, object]:
        """The options of sessions made by calling the factory; `bind` is the engine of the running loop."""
        bind = self._registry.get(self._profile, read_only=self._settings.read_only)
        return MappingProxyType({**self._options, "bind": bind})

    @kw.setter
    def kw(self, options: Mapping[str, object]) -> None:
        self._options = {key: value for key, value in options.items() if key not in _REFUSED}

    def __call__(self, *, read_only: bool = False, **local_kw: object) -> AsyncSession:
        """As `create_session`, with SQLAlchemy's options: those given here go before those of `configure`.

        Args:
            read_only: let the server refuse writes (contract C5.10); always so for a `read_only` profile.
            local_kw: such as `expire_on_commit`, `autoflush`, `info`.

        Raises:
            ConfigError: an option that would take a promise back, such as `bind`.
        """
        return self._configured(read_only=read_only, **local_kw)

    def begin(self) -> AbstractAsyncContextManager[AsyncSession]:  # type: ignore[override]  # SQLAlchemy's is private
        """As `session_context`, with the options of `configure`."""
        return SessionContext(self._configured())

    def configure(self, **new_kw: object) -> None:
        """Set options for the sessions that are made from now on by calling the factory.

        Raises:
            ConfigError: an option that would take a promise back, such as `bind`.
        """
        _refuse(self._profile, new_kw)
        self._options.update(new_kw)

    def _configured(self, **local_kw: Any) -> ProfileSession:
        _refuse(self._profile, local_kw)
        options = self._options
        if "info" in options and "info" in local_kw:
            local_kw["info"] = {**options["info"], **local_kw["info"]}
        return self.make_session(**{**options, **local_kw})


def _refuse(profile: str, options: Iterable[str]) -> None:
    problems = [
        Problem("argument", f"profiles.{profile}: {key}", _REFUSED[key][0], fix=_REFUSED[key][1])
        for key in options
        if key in _REFUSED
    ]
    if problems:
        raise ConfigError(problems)
