"""What a profile's `engine_options` may hold: arguments of SQLAlchemy's engine without a key of their own (C2, C16.3).

`config check` and the engine judge by these rules, so they stand on the floor that knows no SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from myfy_data.settings.models import DatabaseSettings
from myfy_data.suggestions import nearest

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

SERVER_SIDE = (
    "cannot be set for every statement of an asynchronous engine",
    "delete server_side_cursors, and stream where it helps: await session.stream(statement)",
)

POOL_CLASS = (
    "must be sqlalchemy.NullPool or a subclass of myfy_data.engines.pool.BoundedPool, given in code",
    "delete poolclass",
)

_OTHERS = frozenset(
    [
        "compiler_linting",
        "future",
        "implicit_returning",
        "native_datetime",
        "native_inet_types",
        "paramstyle",
        "plugins",
        "poolclass",
        "server_side_cursors",
        "supports_native_boolean",
    ]
)
_KNOWN = _WHOLE_NUMBERS | _SWITCHES | _TEXTS | _FUNCTIONS | _OTHERS


def option_faults(options: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with engine options, as far as no engine is needed to tell it: key, message, fix."""
    for key, value in options.items():
        fault = _misplaced(key) or _unknown(key) or _unusable(key, value) or _expected(key, value)
        if fault is not None:
            yield key, *fault


def _misplaced(key: str) -> tuple[str, str] | None:
    if key in _OURS or key.startswith("_"):
        return "is ours to set: credentials and deadlines depend on it", f"delete {key}"
    if key in DatabaseSettings.model_fields:
        return f"has a key of its own in the profile: {key}", f"move {key} out of engine_options"
    return None


def _unknown(key: str) -> tuple[str, str] | None:
    if key in _KNOWN:
        return None
    near = nearest(key, _KNOWN)
    hint = f". Did you mean {near!r}?" if near else ""
    return f"SQLAlchemy knows no engine option of this name{hint}", f"rename it to {near}" if near else f"delete {key}"


def _unusable(key: str, value: object) -> tuple[str, str] | None:
    if key == "server_side_cursors" and value:
        return SERVER_SIDE
    return POOL_CLASS if key == "poolclass" and not isinstance(value, type) else None


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
