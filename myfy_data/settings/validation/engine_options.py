"""What a profile's `engine_options` may hold: arguments of SQLAlchemy's engine without a key of their own (C2, C16.3).

`config check` and the engine judge by these rules, so they stand on the floor that knows no SQLAlchemy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points

from myfy_data.settings.models import ProfileSettings
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
_SWITCHES = frozenset(
    {
        "enable_from_linting",
        "implicit_returning",
        "native_datetime",
        "native_inet_types",
        "pool_use_lifo",
        "skip_autocommit_rollback",
        "supports_native_boolean",
        "use_insertmanyvalues",
    }
)
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

_OTHERS = frozenset(["compiler_linting", "future", "paramstyle", "plugins", "poolclass", "server_side_cursors"])

_OF_ONE_DATABASE = {"native_datetime": "sqlite", "native_inet_types": "postgresql"}
"""Options that only one database's dialect takes."""

_PARAMSTYLES: Mapping[str, tuple[str, ...]] = {
    "postgresql": ("numeric_dollar",),
    "mysql": ("format", "pyformat"),
    "sqlite": ("qmark", "named", "numeric", "numeric_dollar"),
}
"""How each driver takes parameters: any other style is a syntax error of every statement."""
_LONGEST_NAMES = {"postgresql": 63, "mysql": 255, "sqlite": 9999}
"""How long a name may be, where `max_identifier_length` does not say it: SQLAlchemy looks when it first connects."""

_KNOWN = _WHOLE_NUMBERS | _SWITCHES | _TEXTS | _FUNCTIONS | _OTHERS


def option_faults(options: Mapping[str, object], backend: str) -> Iterator[tuple[str, str, str]]:
    """What is wrong with engine options, as far as no engine is needed to tell it: key, message, fix."""
    for key, value in options.items():
        fault = _misplaced(key) or _unknown(key, backend) or _unusable(key, value, backend) or _expected(key, value)
        if fault is None and key == "label_length":
            fault = _too_long(value, options.get("max_identifier_length") or _LONGEST_NAMES[backend])
        if fault is not None:
            yield key, *fault


def _too_long(length: object, longest: object) -> tuple[str, str] | None:
    if isinstance(length, int) and isinstance(longest, int) and length > longest:
        return f"is more than a name may have: {longest}", f"label_length = {longest}"
    return None


def _misplaced(key: str) -> tuple[str, str] | None:
    if key in _OURS or key.startswith("_"):
        return "is ours to set: credentials and deadlines depend on it", f"delete {key}"
    if key in ProfileSettings.model_fields:
        return f"has a key of its own in the profile: {key}", f"move {key} out of engine_options"
    return None


def _unknown(key: str, backend: str) -> tuple[str, str] | None:
    if _OF_ONE_DATABASE.get(key, backend) != backend:
        return f"is an option for {_OF_ONE_DATABASE[key]} only", f"delete {key}"
    if key in _KNOWN:
        return None
    near = nearest(key, _KNOWN)
    hint = f". Did you mean {near!r}?" if near else ""
    return f"SQLAlchemy knows no engine option of this name{hint}", f"rename it to {near}" if near else f"delete {key}"


def _unusable(key: str, value: object, backend: str) -> tuple[str, str] | None:
    if key == "server_side_cursors" and value:
        return SERVER_SIDE
    if key == "future" and value is not True:
        return "SQLAlchemy 2 takes only true", f"delete {key}"
    if key == "paramstyle" and value not in _PARAMSTYLES[backend]:
        return f"the driver takes {' or '.join(_PARAMSTYLES[backend])}", f"delete {key}"
    if key == "plugins":
        return _no_plugin(value)
    return POOL_CLASS if key == "poolclass" and not isinstance(value, type) else None


def _no_plugin(value: object) -> tuple[str, str] | None:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return "expected a list of names", "delete plugins"
    if "sqlalchemy" in sys.modules:
        return None  # code may have registered it, so SQLAlchemy itself is asked when the engine is made
    installed = entry_points(group="sqlalchemy.plugins").names
    missing = [name for name in names if name not in installed]
    return (f"no package that is installed brings the plugin {missing[0]!r}", "delete plugins") if missing else None


def _expected(key: str, value: object) -> tuple[str, str] | None:
    """Why a value cannot be meant, and the fix; None when it can."""
    is_whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if key == "compiler_linting" and not (is_whole and value in range(4)):  # SQLAlchemy's flags, as a number
        return "expected a whole number from 0 to 3", f"delete {key}"
    if key in _WHOLE_NUMBERS and not is_whole:
        return "expected a whole number", f"{key} = 100"
    if key in _SWITCHES and not isinstance(value, bool):
        return "expected true or false", f"{key} = true"
    if key in _TEXTS and not isinstance(value, str):
        return "expected text", f'{key} = "main"'
    if key in _FUNCTIONS and not callable(value):
        return "expected a function, which is given in code", f"delete {key}"
    return None
