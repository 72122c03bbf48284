"""A table or column that is not there: whether migrations have to run, told with the error (contract C8)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING
from weakref import WeakSet

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, MissingGreenlet
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

from myfy_data.engines.mysql import error_codes
from myfy_data.engines.postgresql import sqlstates
from myfy_data.errors import ConfigError
from myfy_data.migrations.target import Target, resolve_target
from myfy_data.sessions.commit_outcome import server_code, server_state
from myfy_data.settings.data_settings import DataSettings

if TYPE_CHECKING:
    from myfy_data.migrations.report import CurrentReport

logger: logging.Logger = logging.getLogger("myfy_data")

_WORDS = ("no such table", "no such column", "has no column named")
"""What SQLite says, which gives all of them one number."""

_ANSWER_HOLDS = 60.0
"""Seconds for which an answer is told again: a missing table may be met by each request."""

_watched: WeakSet[Engine] = WeakSet()
"""Modules of one application share engines; one of them tells."""


@dataclass(frozen=True, slots=True)
class _Answer:
    note: str
    at: float


class MissingTables:
    """Adds to the error of a missing table where the migrations stand; nothing is asked before such an error.

    Args:
        settings: gives the module's settings.
        creates_tables: whether the module creates tables when it starts.
    """

    def __init__(self, settings: Callable[[], DataSettings], *, creates_tables: bool) -> None:
        self._settings = settings
        self._creates_tables = creates_tables
        self._answers: dict[str, _Answer] = {}

    def watch(self, profile: str, engine: AsyncEngine) -> None:
        """Tell with the errors of an engine; called for each that opens."""
        if engine.sync_engine in _watched:
            return
        _watched.add(engine.sync_engine)

        def explain(context: ExceptionContext) -> None:
            error = context.sqlalchemy_exception
            if isinstance(error, DBAPIError) and names_nothing(error):
                with suppress(MissingGreenlet):  # used where nothing can be awaited, so not asked
                    note = await_only(self._note(profile))
                    if note:
                        error.add_note(note)

        event.listen(engine.sync_engine, "handle_error", explain)

    async def _note(self, profile: str) -> str:
        answer, now = self._answers.get(profile), time.monotonic()
        if answer is None or now - answer.at > _ANSWER_HOLDS:
            # First of all, so that other tasks with the same error do not ask as well.
            self._answers[profile] = _Answer(answer.note if answer else "", now)
            note = await self._ask(profile)
            self._answers[profile] = _Answer(note, time.monotonic())
            if note:
                logger.warning("%s", note)
        return self._answers[profile].note

    async def _ask(self, profile: str) -> str:
        settings = self._settings()
        try:
            target = resolve_target(settings, profile)
        except ConfigError:
            return ""  # its schema is not ours
        if not target.has_migrations:
            return "" if self._creates_tables or settings.blocks_auto_create else _without_migrations(target)
        with suppress(Exception):  # whatever it is, the error that is told is the first one
            runner = await asyncio.to_thread(import_module, "myfy_data.migrations.runner")  # Alembic takes its time
            async with asyncio.timeout(target.settings.connect_timeout):
                return _told(await runner.read_current(target))
        return ""


def names_nothing(error: DBAPIError) -> bool:
    """Whether a statement names a table or a column that the database has not."""
    if server_state(error) in sqlstates.NAMES_NOTHING or server_code(error) in error_codes.NAMES_NOTHING:
        return True
    return any(words in str(error.orig) for words in _WORDS)


def _told(state: CurrentReport) -> str:
    here, there = (", ".join(sorted(revisions)) or "base" for revisions in (state.current, state.heads))
    if state.is_half_done:
        stands, fix = f"between two revisions: {state.interrupted}", state.fix
    elif not state.is_at_head:
        stands, fix = f"at {here}, and head is {there}", state.fix
    else:
        stands = f"at head ({there}), so no revision makes it"
        fix = f"myfy-data db revision --profile {state.profile} -m MESSAGE"
    return f"profile {state.profile!r}: the database is {stands}\n  fix: {fix}"


def _without_migrations(target: Target) -> str:
    return (
        f"profile {target.profile!r}: there are no migrations in {target.directory}, and auto_create_tables is off\n"
        f"  fix: myfy-data db init --profile {target.profile};"
        " or in development: DataModule(auto_create_tables=True, metadata=Base.metadata)"
    )
