"""What happens when a module starts: refuse first, then ask the servers, then open and create (contract C4, S5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import AutoCreateTablesProductionError, ConfigError, Problem
from myfy_data.settings.root import DataSettings

logger = logging.getLogger("myfy_data")


def check_auto_create(settings: DataSettings, profile: str, metadata: MetaData | None) -> MetaData:
    """The metadata to create tables from; called before anything is opened.

    Raises:
        AutoCreateTablesProductionError: the environment refuses it (seed S5).
        ConfigError: there is no metadata, or the profile is read-only.
    """
    if settings.blocks_auto_create:
        raise AutoCreateTablesProductionError(settings.environment)
    if metadata is None:
        raise ConfigError(
            [
                _refused(
                    "needs the metadata of the tables", "DataModule(auto_create_tables=True, metadata=Base.metadata)"
                )
            ]
        )
    if settings.profiles[profile].read_only:
        message = f"cannot create tables: profile {profile!r} is read-only"
        raise ConfigError([_refused(message, "DataModule(auto_create_tables=False)")])
    return metadata


def _refused(message: str, fix: str) -> Problem:
    return Problem("argument", "auto_create_tables", message, fix=fix)


def log_warnings(settings: DataSettings) -> None:
    """Tell what the load found worth a look."""
    for warning in settings.warnings:
        logger.warning("%s", warning)


async def ping_profiles(registry: EngineRegistry, profiles: Iterable[str]) -> None:
    """Ask all of them at once, each within its own `connect_timeout`.

    Raises:
        DatabaseConnectionError: the first one that did not answer; the others are noted on it.
    """
    answers = await asyncio.gather(*(registry.ping(name) for name in profiles), return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    if failures:
        first, *others = failures
        for other in others:
            first.add_note(str(other))
        raise first


async def warm_up_profiles(registry: EngineRegistry, settings: DataSettings, required: Collection[str]) -> None:
    """Open the connections of every profile that asks for it.

    Raises:
        DatabaseConnectionError: a required profile cannot be reached; an optional one is logged.
    """
    for name, profile in settings.profiles.items():
        if not (profile.active and profile.warm_up):
            continue
        try:
            await registry.warm_up(name)
        except Exception as error:
            if name in required:
                raise
            logger.warning("profile %r was not warmed up: %s", name, type(error).__name__)


async def create_tables(engine: AsyncEngine, metadata: MetaData) -> None:
    """Create the tables that do not exist yet."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
