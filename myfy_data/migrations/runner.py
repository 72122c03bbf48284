"""Running one Alembic command on one profile: locked, watched, and told exactly however it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.errors import DataModuleError, MigrationError
from myfy_data.migrations.alembic_lock import alembic_turn, run_in_turn
from myfy_data.migrations.connection import migration_engine, reading
from myfy_data.migrations.database_lock import migration_lock
from myfy_data.migrations.env import Handed, build_config
from myfy_data.migrations.errors import explain_command_error, explain_database_error, explain_failure
from myfy_data.migrations.journal import Journal
from myfy_data.migrations.metadata import put_on_path
from myfy_data.migrations.report import CurrentReport, MigrationReport, Outcome, Tell
from myfy_data.migrations.run_recorder import RunRecorder, unfinished
from myfy_data.migrations.target import Target
from myfy_data.migrations.unreadable import explain_unreadable, refusing_doubts
from myfy_data.migrations.writable import require_writable

T = TypeVar("T")

AlembicCommand = Callable[[Config], object]


@dataclass(frozen=True, slots=True)
class Run:
    """One command that changes a database.

    Attributes:
        target: the profile.
        command: Alembic's command, given its configuration.
        outcome: what it is called when it changed something.
        to_head: whether it has nothing to do when the database is at head.
        tell: hears what goes on.
        asked: the command as it was typed, such as `downgrade -1`.
    """

    target: Target
    command: AlembicCommand
    outcome: Outcome
    to_head: bool
    tell: Tell
    asked: str


def require_environment(target: Target) -> ScriptDirectory:
    """The profile's directory as Alembic sees it.

    Raises:
        MigrationError: there is none yet, or its files cannot be read.
    """
    if not target.has_migrations:
        raise MigrationError(
            target.profile,
            f"there are no migrations in {target.directory}",
            fix=f"myfy-data db init --profile {target.profile}",
        )
    put_on_path(target.root)  # env.py and revisions import what the application has, however we were started
    script = ScriptDirectory.from_config(build_config(target))
    with _told(target), refusing_doubts():
        script.get_heads()
    return script


async def run_command(run: Run, engine: AsyncEngine | None = None) -> MigrationReport:
    """Run a command that changes a database, and report however it ends.

    The lock is not waited for when there is nothing to do.

    Args:
        run: what to run.
        engine: the engine to run on; one of its own when None.
    """
    started = time.monotonic()
    try:
        with _told(run.target):
            report = await (_run_on(run, engine) if engine is not None else _run_on_own(run))
    except DataModuleError as error:
        report = _Ending(run.target.profile, "failed", error=error).report()
    return _timed(report, time.monotonic() - started)


async def read_current(target: Target, engine: AsyncEngine | None = None) -> CurrentReport:
    """Where a profile's database stands; changes nothing and waits for no lock.

    Raises:
        MigrationError: there is no directory.
        DatabaseConnectionError: the server cannot be reached.
    """
    if engine is None:
        async with migration_engine(target) as own:
            return await read_current(target, own)
    script = require_environment(target)
    with _told(target):
        heads, known = tuple(script.get_heads()), {revision.revision for revision in script.walk_revisions()}
    async with reading(engine).connect() as connection:
        here = await run_in_turn(connection, _current, target)
        interrupted, stays = await connection.run_sync(_unfinished, target)
        unknown = tuple(revision for revision in here if revision not in known)
        return CurrentReport(target.profile, here, heads, interrupted, stays, unknown)


async def ask(target: Target, question: Callable[[Handed], T]) -> T:
    """Let Alembic look at a database, in a transaction that changes nothing.

    Raises:
        MigrationError: Alembic refuses.
        DatabaseConnectionError: the server cannot be reached.
    """
    async with migration_engine(target) as engine, reading(engine).connect() as connection:
        await run_in_turn(connection, _current, target)  # refuses an env.py that would look at another database
        return await run_in_turn(connection, lambda sync: question(Handed(target, sync, options={"dont_mutate": True})))


async def offline(target: Target, alembic_command: AlembicCommand) -> None:
    """Let Alembic write SQL instead of running it; connects to nothing.

    Raises:
        MigrationError: Alembic refuses, such as a revision that has to look at the database.
    """
    require_environment(target)
    async with alembic_turn():
        with _told(target):
            handed = Handed(target)
            alembic_command(build_config(target, handed))
            handed.require_taken()


def call_alembic(target: Target, action: Callable[[], T]) -> T:
    """What `action` returns, with Alembic's refusals in our words.

    Raises:
        MigrationError: Alembic refuses, or `env.py` or a revision cannot be read.
    """
    with _told(target):
        return action()


@contextmanager
def _told(target: Target) -> Iterator[None]:
    """Alembic's refusals, the database's, and what files of the user raise, as `MigrationError`."""
    try:
        yield
    except DataModuleError:
        raise
    except CommandError as error:
        raise explain_command_error(target, error) from None
    except (SQLAlchemyError, OSError) as error:
        raise explain_database_error(target, error) from error
    except Exception as error:
        raise explain_unreadable(target, error) from error


# -- what a run does ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Ending:
    """What is known at the end of a run; becomes the report."""

    profile: str
    outcome: Outcome
    before: tuple[str, ...] | None = None
    after: tuple[str, ...] | None = None
    revisions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: DataModuleError | None = None
    mended: bool = False

    def report(self) -> MigrationReport:
        return MigrationReport(
            self.profile, self.outcome, self.before, self.after, self.revisions, 0.0, self.notes, self.error
        )


def _timed(report: MigrationReport, seconds: float) -> MigrationReport:
    return replace(report, seconds=seconds)


async def _run_on_own(run: Run) -> MigrationReport:
    async with migration_engine(run.target) as engine:
        return await _run_on(run, engine)


async def _run_on(run: Run, engine: AsyncEngine) -> MigrationReport:
    here = await _at_head(run.target, engine)  # looked at first in any case: env.py has to use this connection
    if run.to_head and here is not None:
        return _Ending(run.target.profile, "nothing to do", here, here).report()
    async with engine.connect() as connection:
        await require_writable(run.target, connection)
        async with migration_lock(run.target, connection, run.tell):
            return await _run_locked(run, connection)


async def _at_head(target: Target, engine: AsyncEngine) -> tuple[str, ...] | None:
    """The revisions that the database is at, when these are the heads; None when they are not, or when unknown."""
    heads = require_environment(target).get_heads()
    with suppress(MigrationError):  # MariaDB hides a table that another connection is just making
        async with reading(engine).connect() as connection:
            here = await run_in_turn(connection, _current, target)
            # A downgrade that failed half-way leaves the revision where it was: the journal knows better.
            _, stays = await connection.run_sync(_unfinished, target)
            return here if set(here) == set(heads) and not stays else None
    return None


async def _run_locked(run: Run, connection: AsyncConnection) -> MigrationReport:
    stamps = run.outcome == "stamped"
    recorder = await connection.run_sync(lambda sync: RunRecorder(run.target, sync, run.tell, stamps=stamps))
    ending = _Ending(run.target.profile, run.outcome)
    try:
        await run_in_turn(connection, _run_alembic, run, recorder)
        await connection.commit()
        if stamps:  # a stamp says what the database is like
            ending.mended = await connection.run_sync(lambda _: recorder.forget())
    except Exception as error:  # noqa: BLE001 - a revision may raise anything, and the report tells it
        await recorder.clean_up(connection)
        ending.outcome, ending.error = "failed", explain_failure(run.target, recorder, error, run.asked)
    ending.before, ending.revisions, ending.notes = recorder.before, tuple(recorder.done), tuple(recorder.notes)
    ending.after = await _read_after(connection, run.target)
    return _named(ending).report()


def _named(ending: _Ending) -> _Ending:
    if (
        ending.error is None
        and not ending.mended
        and not ending.revisions
        and ending.before is not None
        and set(ending.before) == set(ending.after or ())
    ):
        ending.outcome = "nothing to do"
    return ending


def _run_alembic(connection: Connection, run: Run, recorder: RunRecorder) -> None:
    run.command(build_config(run.target, Handed(run.target, connection, recorder)))


async def _read_after(connection: AsyncConnection, target: Target) -> tuple[str, ...] | None:
    with suppress(SQLAlchemyError, OSError, DataModuleError):
        here = await run_in_turn(connection, _current, target)
        await connection.rollback()
        return here
    return None


def _current(connection: Connection, target: Target) -> tuple[str, ...]:
    found: list[tuple[str, ...]] = []

    def look(revisions: Iterable[str], _: object) -> list[object]:
        found.append(tuple(revisions))
        return []

    handed = Handed(target, connection, options={"dont_mutate": True})
    config = build_config(target, handed)
    script = ScriptDirectory.from_config(config)
    with _told(target), EnvironmentContext(config, script, fn=look, dont_mutate=True):
        try:
            script.run_env()
        except RuntimeError:  # such as that of asyncio.run(), in an env.py which connects by itself
            if "run_env" not in (target.directory / "env.py").read_text(encoding="utf-8"):
                handed.require_taken()
            raise
    handed.require_taken()
    return found[-1] if found else ()


def _unfinished(connection: Connection, target: Target) -> tuple[str, bool]:
    """What an earlier run left behind, in words, and whether statements of it stay; also what a run is at right now."""
    with suppress(SQLAlchemyError):  # it comes and goes with the run of another process
        left = Journal(connection, target.progress_table).read()
        return (unfinished(left[0]), len(left) > 1) if left else ("", False)
    return "", False
