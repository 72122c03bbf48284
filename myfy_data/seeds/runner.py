"""Storing the seeds of one profile: guarded, under the lock of its migrations, in one transaction (contract C14.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import ConfigError, DataModuleError, Problem
from myfy_data.migrations.connection import migration_settings
from myfy_data.migrations.database_lock import migration_lock
from myfy_data.migrations.databases import read as read_database_marker
from myfy_data.migrations.marker import refusal, require_not_another
from myfy_data.migrations.report import Tell, tell_nothing
from myfy_data.migrations.target import Target
from myfy_data.seeds.errors import SeedError, first_line
from myfy_data.seeds.files import DIRECTORY, SeedFile, find_seeds
from myfy_data.seeds.one_transaction import keep_transaction
from myfy_data.seeds.record import digest_of, make_record, read_record, write_record
from myfy_data.seeds.report import FileReport, SeedReport
from myfy_data.seeds.rows import SeedBlock, read_rows
from myfy_data.seeds.scripts import read_script, run_python, run_sql
from myfy_data.seeds.upsert import RowStore


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds of a profile, read: what can be wrong with a file is known before anything is stored.

    Attributes:
        files: the files, in their order.
        blocks: the rows of each file that names rows.
        scripts: the text of each other file.
    """

    files: Sequence[SeedFile]
    blocks: Mapping[SeedFile, list[SeedBlock]] = field(default_factory=dict)
    scripts: Mapping[SeedFile, str] = field(default_factory=dict)


def read_seeds(target: Target) -> Seeds:
    """Read the seeds of a profile; connects to nothing.

    Raises:
        ConfigError: a file cannot be read, or says something that is no seed; everything at once.
    """
    files = find_seeds(target)
    blocks: dict[SeedFile, list[SeedBlock]] = {}
    scripts: dict[SeedFile, str] = {}
    problems: list[Problem] = []
    for file in files:
        try:
            if file.holds_rows:
                blocks[file] = read_rows(file)
            else:
                scripts[file] = read_script(file)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Seeds(files, blocks, scripts)


def require_environment(target: Target) -> None:
    """Refuse an environment that the profile's seeds are not for.

    Raises:
        ConfigError: `seeds.environments` does not list it.
    """
    allowed = target.settings.seeds.environments
    if target.environment not in allowed:
        listed = ", ".join(f'"{name}"' for name in (*allowed, target.environment))
        message = f"its seeds are for {' and '.join(allowed) or 'no environment'}, and this is {target.environment!r}"
        raise refusal(target, message, f"[data.profiles.{target.profile}.seeds] environments = [{listed}]")


async def seed(target: Target, tell: Tell = tell_nothing) -> SeedReport:
    """Store the seeds of a profile, all of them or none.

    Args:
        target: the profile.
        tell: hears each file when it begins, and the lock's holder while waiting.

    Raises:
        ConfigError: another environment's seeds or database, or a file that is no seed; nothing was stored.
        SeedError: the database refuses something, or a seed raises; nothing was stored.
        MigrationLockError: the database was being migrated for longer than `migrations.lock_timeout`.
        DatabaseConnectionError: the server cannot be reached.
    """
    require_environment(target)
    seeds = read_seeds(target)
    report = SeedReport(target.profile)
    if not seeds.files:
        report.passed_over = f"there is nothing in {DIRECTORY}/{target.profile}"
        return report
    require_not_another(target, await read_database_marker(target))
    async with _seeding(target) as engine, engine.connect() as connection, migration_lock(target, connection, tell):
        if seeds.scripts:
            await make_record(target)
        async with connection.begin():
            await _store_all(_Run(target, seeds, connection, tell), report)
    return report


@dataclass(slots=True)
class _Run:
    target: Target
    seeds: Seeds
    connection: AsyncConnection
    tell: Tell


async def _store_all(run: _Run, report: SeedReport) -> None:
    ran = await run.connection.run_sync(read_record)
    for file in run.seeds.files:
        told = FileReport(file.name)
        try:
            await (_store_rows(run, file, told) if file.holds_rows else _run_once(run, file, ran.get(file.name), told))
        except DataModuleError:
            raise
        except SQLAlchemyError as error:
            reason = first_line(error.orig if isinstance(error, DBAPIError) else error)
            fix = "correct it, then run the same command again"
            raise SeedError(run.target.profile, file.place, reason, fix) from None
        report.files.append(told)


async def _store_rows(run: _Run, file: SeedFile, told: FileReport) -> None:
    run.tell(run.target.profile, file.name)

    def store(connection: object) -> None:
        rows = RowStore(run.target, connection)  # type: ignore[arg-type]  # run_sync hands the connection it was called on
        for block in run.seeds.blocks[file]:
            rows.store(block, told)

    await run.connection.run_sync(store)


async def _run_once(run: _Run, file: SeedFile, before: str | None, told: FileReport) -> None:
    text = run.seeds.scripts[file]
    digest = digest_of(text)
    told.ran = before is None
    if before is not None:
        told.note = "" if before == digest else "it has changed since, and runs again in a new database only"
        return
    run.tell(run.target.profile, file.name)
    if file.path.suffix == ".sql":
        await run_sql(run.target, file, text, run.connection)
    else:
        await run_python(run.target, file, run.connection)
    await run.connection.run_sync(write_record, file, digest)


@asynccontextmanager
async def _seeding(target: Target) -> AsyncIterator[AsyncEngine]:
    """An engine with a migration's patience, on which no statement may end the transaction."""
    settings = migration_settings(target.settings).model_copy(update={"sqlite": target.settings.sqlite})
    registry = EngineRegistry({target.profile: settings})
    try:
        engine = registry.get(target.profile)
        keep_transaction(engine, target.backend)
        yield engine
    finally:
        await registry.close()
