"""What `engine_options` may hold: arguments of `create_async_engine` without a key of their own (C2, C16.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio.exc import AsyncMethodRequired
from sqlalchemy.pool import NullPool

from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.errors import ConfigError, Problem
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.validation.engine_options import POOL_CLASS, SERVER_SIDE
from myfy_data.settings.validation.fault import Fault, Repair


def pool_class_faults(settings: DatabaseSettings) -> Iterator[Fault]:
    """What is wrong with a pool class, which only code can give: SQLAlchemy is needed to tell it."""
    pool_class = settings.engine_options.get("poolclass")
    path = ("engine_options", "poolclass")
    if not isinstance(pool_class, type):
        return
    if settings.url.is_memory:
        yield Fault(path, "an in-memory database lives on one connection", Repair(delete=(path,)))
    elif not issubclass(pool_class, BoundedPool | NullPool):
        message, words = POOL_CLASS
        yield Fault(path, message, Repair(words=words))


def refused_options(
    name: str, options: Mapping[str, object], create: Callable[..., object], error: Exception
) -> ConfigError:
    """The error for an engine that SQLAlchemy refused, by whatever exception: each option is tried alone.

    Args:
        name: the profile's name.
        options: its `engine_options`.
        create: makes an engine with some of them; it opens nothing.
        error: what SQLAlchemy raised for all of them.
    """
    problems = []
    for key, value in options.items():
        try:
            create(**{key: value})
        except Exception as refusal:  # noqa: BLE001 - SQLAlchemy has no one class for it
            message, fix = _words(key, refusal)
            problems.append(Problem("", f"profiles.{name}.engine_options.{key}", message, fix=fix))
    if not problems:
        problems = [Problem("", f"profiles.{name}", f"SQLAlchemy refuses the engine: {_told(error)}")]
    return ConfigError(problems)


def _words(key: str, error: Exception) -> tuple[str, str]:
    if isinstance(error, AsyncMethodRequired):
        return SERVER_SIDE
    if isinstance(error, TypeError) and f"'{key}'" in str(error):
        return "SQLAlchemy knows no engine option of this name", f"delete {key}"
    return f"SQLAlchemy refuses this value: {_told(error)}", f"delete {key}"


def _told(error: Exception) -> str:
    """SQLAlchemy's own words; of another error only its kind, which may quote anything."""
    name = type(error).__name__
    return f"{name}: {' '.join(str(error).split())}" if isinstance(error, SQLAlchemyError) else name
