"""Migrations in an application's own tests: do they run both ways, and do the models agree with them?"""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from myfy_data.errors import MigrationError
from myfy_data.migrations import commands
from myfy_data.migrations.connection import migration_engine, reading, run_blocking
from myfy_data.migrations.manager import MigrationManager
from myfy_data.migrations.report import listed_revisions
from myfy_data.migrations.target import Target
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings


def rehearse_migrations(profile: str | None = None, settings: DataSettings | DatabaseSettings | None = None) -> None:
    """Upgrade an empty, throw-away database to head, downgrade it to base, and upgrade it again.

    Finds the `downgrade()` that was never tried and what it leaves behind, such as a type that the second upgrade
    stumbles over. The database is at head afterwards.

    Args:
        profile: the profile whose database is thrown away; the default profile when None.
        settings: finished settings, or one profile's, such as `DatabaseSettings(database_url=...)`.

    Raises:
        MigrationError: the database is not empty, or a revision failed.
        AssertionError: tables are left at base.
    """
    target = MigrationManager(profile, settings).target
    run_blocking(lambda: _rehearse(target))


def assert_no_drift(profile: str | None = None, settings: DataSettings | DatabaseSettings | None = None) -> None:
    """Make sure that a database is at head, and that the models have nothing that head has not.

    Args:
        profile: the profile; the default profile when None.
        settings: finished settings, or one profile's.

    Raises:
        AssertionError: it is not at head, or the models have changed since; says how.
        ConfigError: the profile names no metadata.
    """
    report = MigrationManager(profile, settings).check()
    if report.ok:
        return
    state = report.state
    if state.is_half_done:
        raise AssertionError(f"profile {report.profile!r}: the database is between two revisions: {state.interrupted}")
    here, there = listed_revisions(state.current), listed_revisions(state.heads)
    found = [f"the database is at {here}, and head is {there}"] if not state.is_at_head else report.drift
    raise AssertionError("\n".join([f"profile {report.profile!r}: models and migrations differ", *found]))


async def _rehearse(target: Target) -> None:
    tables = await _tables(target)
    if tables:
        raise MigrationError(
            target.profile,
            f"a rehearsal needs an empty database, and this one holds {', '.join(sorted(tables))}",
            fix="hand over a database of its own: rehearse_migrations(settings=DatabaseSettings(database_url=...))",
        )
    (await commands.upgrade(target, "heads")).raise_failure()
    (await commands.downgrade(target, "base")).raise_failure()
    left = await _tables(target)
    if left:
        raise AssertionError(f"profile {target.profile!r}: left after the downgrade to base: {', '.join(sorted(left))}")
    (await commands.upgrade(target, "heads")).raise_failure()


async def _tables(target: Target) -> set[str]:
    """The tables of a database, less Alembic's own."""

    def ask(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    async with migration_engine(target) as engine, reading(engine).connect() as connection:
        return await connection.run_sync(ask) - {target.settings.migrations.version_table}
