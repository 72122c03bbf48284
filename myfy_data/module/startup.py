"""What happens when a module starts: refuse first, then ask the servers, then open and create (contract C4, S5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.credentials.provider import load_provider
from myfy_data.credentials.types import ProviderError
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import (
    AutoCreateTablesProductionError,
    ConfigError,
    DatabaseConnectionError,
    DatabaseTimeoutError,
    Problem,
)
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.servers import require_address

logger: logging.Logger = logging.getLogger("myfy_data")


def check_auto_create(settings: DataSettings, profile: str, metadata: MetaData | None) -> MetaData:
    """The metadata to create tables from; called before anything is opened.

    Raises:
        AutoCreateTablesProductionError: the environment refuses it (seed S5).
        ConfigError: there is no metadata, the profile is read-only, or it gives a driver and no address.
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
    require_address(profile, settings.profiles[profile], None)
    return metadata


def _refused(message: str, fix: str) -> Problem:
    return Problem("argument", "auto_create_tables", message, fix=fix)


Unreachable = DatabaseConnectionError | DatabaseTimeoutError


def in_brief(error: Unreachable) -> Unreachable:
    """The error of a start that found no database, without the way there, which is logged at DEBUG.

    Hosts print an error's whole traceback and that of each cause: a hundred lines of drivers and event loops, of which
    none says more than the message. To be raised `from None`; the cause stays in `__context__`.
    """
    logger.debug("the module did not start", exc_info=error)
    if error.__cause__ is not None:
        error.__context__ = error.__cause__
    return error.with_traceback(None)


def load_providers(settings: DataSettings) -> None:
    """Import what gives credentials, of every active profile, so that a start tells what is wrong (contract C12.4).

    Raises:
        ConfigError: each one that cannot be imported, at its place.
    """
    problems = []
    for name, profile in settings.profiles.items():
        provider = profile.credentials
        if not profile.active or provider is None:
            continue
        try:
            load_provider(str(provider), provider.base_dir)
        except ProviderError as error:
            key = f"profiles.{name}.credentials"
            problems.append(Problem(str(settings.origin(key)), key, error.message, fix=error.fix))
    if problems:
        raise ConfigError(problems)


def log_warnings(settings: DataSettings) -> None:
    """Tell what the load found worth a look."""
    for warning in settings.warnings:
        logger.warning("%s", warning)


def log_new_warnings(settings: DataSettings, before: DataSettings) -> None:
    """Tell what a reload found worth a look, and an earlier load has not told."""
    for warning in settings.warnings:
        if warning not in before.warnings:
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
