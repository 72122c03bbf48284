"""What `DataModule(migrations=...)` does when the module starts (contract C8)."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import ConfigError, DatabaseConnectionError, MigrationError, Problem, RevisionMismatchError
from myfy_data.migrations.target import Target, startup_targets
from myfy_data.settings.data_settings import DataSettings
from myfy_data.suggestions import nearest

logger: logging.Logger = logging.getLogger("myfy_data")

Policy = Literal["off", "check", "upgrade"]


def check_policy(migrations: str, *, auto_create_tables: bool) -> None:
    """Refuse what cannot be meant.

    Raises:
        ConfigError: there is no such policy, or tables would be made twice.
    """
    if migrations not in ("off", "check", "upgrade"):
        message = f"expected 'off', 'check' or 'upgrade', got {migrations!r}"
        raise ConfigError([Problem("argument", "migrations", message, fix=f'migrations="{_meant(migrations)}"')])
    if migrations == "upgrade" and auto_create_tables:
        message = "'upgrade' and auto_create_tables would both make the tables"
        raise ConfigError([Problem("argument", "migrations", message, fix="DataModule(auto_create_tables=False)")])


def _meant(migrations: object) -> str:
    """The policy that was probably meant: yes to migrations means that they run."""
    if isinstance(migrations, str):
        near = nearest(migrations, ("off", "check", "upgrade"))
        return near or ("upgrade" if migrations.lower() in ("head", "auto", "on", "yes", "true", "run") else "check")
    return "upgrade" if migrations else "off"


async def migrate_profiles(
    policy: Policy, settings: DataSettings, registry: EngineRegistry, *, default: str, required: Collection[str]
) -> None:
    """Bring every profile that has migrations to head, or make sure that it is there, one after the other.

    Those are the active ones that are ours to change and have a migration directory, and the module's default profile,
    which must have one if it is ours to change.

    Raises:
        RevisionMismatchError: `check`, and a database is at another revision.
        MigrationError: a database is between two revisions; there are no migrations; `upgrade`, and a revision failed.
        MigrationLockError: `upgrade`, and another process held the lock for too long.
        DatabaseConnectionError: a required profile cannot be reached; an optional one is logged.
    """
    if policy == "off":
        return
    for target in startup_targets(settings, default):
        # A database in memory is the engine's own.
        engine = registry.get(target.profile) if target.settings.url.is_memory else None
        try:
            await (_check if policy == "check" else _upgrade)(target, engine)
        except DatabaseConnectionError as error:
            if target.profile in required:
                raise
            logger.warning("profile %r: its migrations were passed over: %s", target.profile, error.reason)


async def _check(target: Target, engine: AsyncEngine | None) -> None:
    from myfy_data.migrations.runner import read_current  # noqa: PLC0415 - imports Alembic

    state = await read_current(target, engine)
    if state.is_half_done:
        raise MigrationError(
            target.profile, f"the database is between two revisions: {state.interrupted}", fix=state.fix
        )
    if not state.is_at_head:
        raise RevisionMismatchError(target.profile, found=state.current, wanted=state.heads, fix=state.fix)


async def _upgrade(target: Target, engine: AsyncEngine | None) -> None:
    from myfy_data.migrations.commands import upgrade  # noqa: PLC0415 - imports Alembic

    report = await upgrade(target, "heads", tell=_log, engine=engine)
    for note in report.notes:
        logger.warning("profile %r: %s", target.profile, note)
    if report.error is not None:
        raise report.error


def _log(profile: str, line: str) -> None:
    logger.info("profile %r: %s", profile, line)
