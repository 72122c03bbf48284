"""The engine of one session: the running loop's until its first statement, and its own from then on."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.engines.cluster.engine import for_one_session
from myfy_data.engines.pool.loop_affinity import running_loop
from myfy_data.sessions.concurrency import SessionGuard
from myfy_data.sessions.sync_session import SyncSession


class EngineSource(Protocol):
    """Whatever gives the engine of a profile for the running event loop; opening it may cost a moment."""

    def get(self, profile: str, *, read_only: bool = False, **chosen: str | None) -> AsyncEngine:
        """The engine of a profile; a `read_only` one lets the server refuse writes, `read_from`, `after` choose it."""
        ...


class SessionEngine:
    """Finds the engine of a session. Both of its halves have it, so that neither keeps the other one alive.

    Args:
        session: the asynchronous half.
        engines: where the engine comes from.
        usage: which task may use the session.
        profile: the profile's name.
        read_only: whether the server is to refuse writes.
        chosen: which of several servers, as `EngineSource.get` is told.

    Attributes:
        engine: the session's own; None before the first statement.
    """

    __slots__ = ("_chosen", "_engines", "_profile", "_read_only", "_session", "_usage", "engine")

    def __init__(
        self,
        session: AsyncSession,
        engines: EngineSource,
        usage: SessionGuard,
        profile: str,
        *,
        read_only: bool,
        chosen: Mapping[str, str],
    ) -> None:
        self._session = weakref.ref(session)
        self._engines = engines
        self._usage = usage
        self._profile = profile
        self._chosen = chosen
        self._read_only = read_only
        self.engine: AsyncEngine | None = None

    def ask(self) -> AsyncEngine:
        """The engine of the running loop; it may be opened for that."""
        return self._engines.get(self._profile, read_only=self._read_only, **self._chosen)

    def find(self) -> Engine:
        """The same, as the synchronous half knows it."""
        return (self.engine or self.ask()).sync_engine

    def open(self, session: SyncSession) -> None:
        """Stay with that engine; called by the first statement.

        Raises:
            SessionError: the session has ended, or began in another loop or process.
        """
        usage = self._usage
        if usage.ended or usage.first is None:
            usage.check_open()
        if running_loop() is None:
            return  # asked for the engine only: whichever loop uses the session decides
        usage.check_place()
        engine = self.ask()
        if self._read_only:
            engine = for_one_session(engine)
        self.engine = engine
        session.bind = engine.sync_engine
        half: Any = self._session()
        if half is not None:
            # SQLAlchemy 2.1 finds the asynchronous engine of a synchronous one by what is set here, with a memory.
            half._async_bind = engine  # noqa: SLF001 - its setter would set what was just set, by six calls
            half.__dict__.pop("_translate_binds", None)
