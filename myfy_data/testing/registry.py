"""The engines of a module during one test: where every connection of the application comes from (contract C13.2)."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.connect.backend import READ_ONLY
from myfy_data.engines.factory import OpenEngine, build_engine_options, open_engine_handle
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.pool.status import PingResult
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import SessionError
from myfy_data.module.lifecycle import EngineHook
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import without_readers
from myfy_data.testing.first_answers import FirstAnswers
from myfy_data.testing.refusals import attach_refusals
from myfy_data.testing.running import RunningTest
from myfy_data.testing.turns import PATIENCE, TurnPool

_OURS: ContextVar[bool] = ContextVar("myfy_data_test_ours", default=False)
"""Whether a statement is the library's own, such as a ping."""

_PROFILE = "myfy_data_test_profile"
"""Execution option: the profile of an engine that stands on another profile's connection."""


class TestRegistry(EngineRegistry):
    """Engines that are isolated in one test; those of profiles that it does not declare refuse every connection.

    Args:
        test: the test; None between two tests.
        profiles: as for every registry.
        on_engine: as for every registry.
        answers: of the run; see there.
    """

    __test__ = False  # for pytest

    def __init__(
        self,
        test: RunningTest | None,
        profiles: Mapping[str, DatabaseSettings],
        on_engine: EngineHook | None,
        answers: FirstAnswers,
    ) -> None:
        # A test's database is on one server, whatever servers the profile has elsewhere.
        super().__init__({name: without_readers(profile) for name, profile in profiles.items()}, on_engine)
        self._test = test
        self._answers = answers
        self._detours: dict[str, int] = {}

    def get(
        self, profile: str, *, read_only: bool = False, read_from: str | None = None, after: str | None = None
    ) -> AsyncEngine:
        """As every registry; profiles of one database share its connection, where that is the isolation."""
        test = self._test
        if test is None:
            return super().get(profile, read_only=read_only, read_from=read_from, after=after)
        test.check_loop(profile)
        other = test.same.get(profile)
        if other is None:
            return super().get(profile, read_only=read_only, read_from=read_from, after=after)
        settings = self._settings(profile)
        options: dict[str, Any] = {_PROFILE: profile, **settings.execution_options}
        if read_only or settings.read_only:
            options[READ_ONLY] = True
        return super().get(other, read_only=settings.read_only or read_only).execution_options(**options)

    def _open(self, profile: str, settings: DatabaseSettings) -> OpenEngine:
        test = self._test
        if test is None or profile not in test.isolation:
            return self._open_refusing(profile, settings)
        if test.isolation[profile] != "transaction":
            opened = open_engine_handle(profile, settings)
        else:
            opened = open_engine_handle(profile, one_connection(settings))
            if isinstance(opened.engine.pool, TurnPool):
                opened.engine.pool.refusal = test.refusal
            if settings.url.backend == "postgresql":
                from myfy_data.testing.savepoints import stand_in_a_transaction  # noqa: PLC0415 - needs the driver

                stand_in_a_transaction(opened.engine.sync_engine, profile, settings.isolation_level)
                self._answers.share(opened.engine.sync_engine, settings)
        if profile in self._detours:
            lead(opened, self._detours[profile])
        self._watch(opened.engine.sync_engine, profile, test)
        if settings.url.backend == "mysql" and test.isolation[profile] != "database":
            from myfy_data.testing.ddl import watch_ddl  # noqa: PLC0415 - for one database

            watch_ddl(opened.engine.sync_engine, profile, test)
        attach_refusals(opened.engine.sync_engine, profile, test)
        return opened

    def detour(self, profile: str, port: int | None) -> None:
        """Have every connection of a profile go through a port of this machine, or straight again."""
        self._detours.pop(profile, None)
        if port is not None:
            self._detours[profile] = port
        for opened in self.engines_of(profile):
            for handle in opened.handles:
                lead(handle, port)

    def _watch(self, engine: Engine, profile: str, test: RunningTest) -> None:
        def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if not _OURS.get():
                test.note(connection.get_execution_options().get(_PROFILE, profile), statement)

        event.listen(engine, "before_cursor_execute", note)

    def _open_refusing(self, profile: str, settings: DatabaseSettings) -> OpenEngine:
        opened, test = open_engine_handle(profile, settings), self._test

        def refuse(*_: object) -> None:
            if test is not None:
                raise test.refuse_undeclared(profile)
            message = "the module was used outside of a test, where nothing would undo what it does"
            raise SessionError(profile, f"{message}\n  fix: use it in a test, or in a fixture of scope 'function'")

        event.listen(opened.engine.sync_engine, "do_connect", refuse)
        return opened

    def _is_open_to(self, profile: str) -> bool:
        return self._test is not None and profile in self._test.isolation

    async def ping(self, profile: str, *, seconds: float | None = None) -> PingResult:
        """As every registry; a profile that the test does not declare is not asked."""
        if not self._is_open_to(profile):
            return PingResult(profile, "not asked: the test does not declare this profile", 0.0)
        token = _OURS.set(True)
        try:
            return await super().ping(profile, seconds=seconds)
        finally:
            _OURS.reset(token)

    async def probe(self, profile: str) -> PingResult:
        """As `ping`, and over the test's own connection: another one would be outside of its transaction."""
        return await self.ping(profile)

    async def warm_up(self, profile: str) -> None:
        """A test opens what it needs."""

    def abandon(self) -> None:
        """Close everything at once, whatever has become of its loops; the server takes back what was not committed."""
        for every in self._engines.values():
            for opened in every:
                for handle in opened.handles:
                    _forget_checkouts(handle)
                opened.abandon()
        self._is_closed = True
        self._engines.clear()


def lead(opened: OpenEngine, port: int | None) -> None:
    """Have an engine connect to a port of this machine, without TLS; to where its settings say when there is none.

    Connections that are open are replaced at their next use.
    """
    backend = opened.backend
    driver = build_engine_options(opened.profile, backend.settings).driver
    # As a new engine would have them: only the backend knows what it makes of `tls`.
    backend.arguments = type(backend)(opened.profile, backend.settings, driver).arguments
    if port is not None:
        plain = False if backend.settings.url.backend == "postgresql" else None
        backend.arguments |= {"host": "127.0.0.1", "port": port, "ssl": plain}
        backend.arguments.pop("unix_socket", None)
    if isinstance(opened.engine.pool, BoundedPool):
        opened.engine.pool.evict()


def one_connection(settings: DatabaseSettings) -> DatabaseSettings:
    """The settings of a profile whose test has one connection. Pure."""
    return settings.model_copy(
        update={
            "pool_size": 1,
            "max_overflow": 0,
            "pool_timeout": min(settings.pool_timeout, PATIENCE),
            "pool_recycle": -1,
            "pool_pre_ping": False,
            "pool_reset_on_return": "rollback",
            "deferred_begin": False,
            "isolation_level": settings.isolation_level if settings.url.backend == "mysql" else None,
            "engine_options": {**settings.engine_options, "poolclass": TurnPool},
        }
    )


def _forget_checkouts(opened: OpenEngine) -> None:
    """Forget checkouts of sessions that a test has left open: they end with the test."""
    pool = opened.engine.pool
    if isinstance(pool, BoundedPool):
        for record in pool.checked_out():
            record.fairy_ref = None  # type: ignore[attr-defined]  # of every entry of SQLAlchemy's pools
