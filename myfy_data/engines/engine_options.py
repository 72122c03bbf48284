"""What `engine_options` may hold: arguments of `create_async_engine` without a key of their own (C2, C16.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio.exc import AsyncMethodRequired
from sqlalchemy.pool import NullPool

from myfy_data.engines.pool import BoundedPool
from myfy_data.errors import ConfigError, Problem
from myfy_data.settings.models import DatabaseSettings

_OURS = frozenset(
    {
        "async_creator",
        "creator",
        "dialect",
        "module",
        "pool",
        "pool_events",
        "pool_pre_ping",
        "strategy",
        "url",
    }
)
"""Options that would bypass credentials, deadlines or the liveness check."""

_WHOLE_NUMBERS = frozenset({"insertmanyvalues_page_size", "label_length", "max_identifier_length", "query_cache_size"})
_SWITCHES = frozenset({"enable_from_linting", "pool_use_lifo", "skip_autocommit_rollback", "use_insertmanyvalues"})
_TEXTS = frozenset({"logging_name", "pool_logging_name"})
_FUNCTIONS = frozenset({"json_deserializer", "json_serializer"})
"""Options whose values SQLAlchemy looks at only when they are used: a wrong one would fail then, in its own words."""

_SERVER_SIDE = (
    "cannot be set for every statement of an asynchronous engine",
    "delete server_side_cursors, and stream where it helps: await session.stream(statement)",
)


def engine_option_problems(settings: DatabaseSettings) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a profile's `engine_options`, as far as no engine is needed to tell it: key, message, fix."""
    for key, value in settings.engine_options.items():
        place = f"engine_options.{key}"
        if key in _OURS or key.startswith("_"):
            yield place, "is ours to set: credentials and deadlines depend on it", f"delete {key}"
        elif key in DatabaseSettings.model_fields:
            yield place, f"has a key of its own in the profile: {key}", f"move {key} out of engine_options"
        elif key == "server_side_cursors" and value:
            yield place, *_SERVER_SIDE
        elif (expected := _expected(key, value)) is not None:
            yield place, *expected
    yield from _pool_class_problems(settings)


def _expected(key: str, value: object) -> tuple[str, str] | None:
    """Why a value cannot be meant, and the fix; None when it can."""
    if key in _WHOLE_NUMBERS and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        return "expected a whole number", f"{key} = 100"
    if key in _SWITCHES and not isinstance(value, bool):
        return "expected true or false", f"{key} = true"
    if key in _TEXTS and not isinstance(value, str):
        return "expected text", f'{key} = "main"'
    if key in _FUNCTIONS and not callable(value):
        return "expected a function, which is given in code", f"delete {key}"
    return None


def _pool_class_problems(settings: DatabaseSettings) -> Iterator[tuple[str, str, str]]:
    pool_class = settings.engine_options.get("poolclass")
    if pool_class is None:
        return
    if settings.url.is_memory:
        yield "engine_options.poolclass", "an in-memory database lives on one connection", "delete poolclass"
    elif not (isinstance(pool_class, type) and issubclass(pool_class, BoundedPool | NullPool)):
        yield (
            "engine_options.poolclass",
            "must be sqlalchemy.NullPool or a subclass of myfy_data.engines.pool.BoundedPool, given in code",
            "delete poolclass",
        )


def refused_options(
    name: str, options: Mapping[str, Any], create: Callable[..., object], error: Exception
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
        return _SERVER_SIDE
    if isinstance(error, TypeError) and f"'{key}'" in str(error):
        return "SQLAlchemy knows no engine option of this name", f"delete {key}"
    return f"SQLAlchemy refuses this value: {_told(error)}", f"delete {key}"


def _told(error: Exception) -> str:
    """SQLAlchemy's own words; of another error only its kind, which may quote anything."""
    name = type(error).__name__
    return f"{name}: {' '.join(str(error).split())}" if isinstance(error, SQLAlchemyError) else name
