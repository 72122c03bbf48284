"""Arguments of SQLAlchemy's `create_engine`, wherever they stand, as keys of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from myfy_data.cli.migrate.draft import Draft, ProfileDraft, is_secret
from myfy_data.cli.migrate.expressions import UNKNOWN
from myfy_data.settings.key_spec import KEY_SPEC

_OURS = frozenset(
    {
        "pool_size",
        "max_overflow",
        "pool_timeout",
        "pool_recycle",
        "pool_pre_ping",
        "pool_reset_on_return",
        "echo",
        "echo_pool",
        "hide_parameters",
        "isolation_level",
    }
)
_BY_ITSELF = {
    "future": "every engine is of the present style",
    "poolclass": 'the pool is our own; pooler = "pgbouncer" is for a pooler on the way',
    "pool": "the pool is our own",
    "strategy": "every engine is asynchronous",
    "convert_unicode": "text is text",
    "encoding": "the driver's own holds",
    "json_serializer": "a function cannot stand in a file: hand it to DataModule(engine_options=...)",
    "json_deserializer": "a function cannot stand in a file: hand it to DataModule(engine_options=...)",
}


def put_arguments(draft: Draft, profile: ProfileDraft, arguments: Mapping[str, object], place: str) -> None:
    """Carry over what an engine was made with; each that cannot be is noted."""
    for name, value in arguments.items():
        put_argument(draft, profile, name, value, place)


def put_argument(draft: Draft, profile: ProfileDraft, name: str, value: object, place: str) -> None:
    """Carry over one of them."""
    if name in _BY_ITSELF:
        draft.note(place, f"{name} is not carried over: {_BY_ITSELF[name]}")
    elif value is UNKNOWN:
        draft.note(place, f"{name} is to be carried over by hand: only running the code would tell its value")
    elif value is not None:
        _put(draft, profile, name, value, place)


def _put(draft: Draft, profile: ProfileDraft, name: str, value: object, place: str) -> None:
    if name in ("connect_args", "execution_options") and isinstance(value, dict):
        put_table(draft, profile, name, value, place)
    elif name in _OURS:
        profile.put(name, _fitted(name, value), place)
    elif name in KEY_SPEC.profile or isinstance(value, dict | list):
        draft.note(place, f"{name} is to be carried over by hand")
    else:
        profile.put(("engine_options", name), value, place)


def put_table(draft: Draft, profile: ProfileDraft, table: str, values: Mapping[str, object], place: str) -> None:
    """Carry over a table of the driver's or SQLAlchemy's own names."""
    for name, value in values.items():
        path = (table, name)
        if value is UNKNOWN or (isinstance(value, dict) and UNKNOWN in value.values()):
            text = "only running the code would tell its value"
            draft.note(place, f"{table}.{name} is to be carried over by hand: {text}")
        elif isinstance(value, dict) and not is_secret(path):
            for inner, item in value.items():
                _put_leaf(draft, profile, (*path, inner), item, place)
        else:
            _put_leaf(draft, profile, path, value, place)


def _put_leaf(draft: Draft, profile: ProfileDraft, path: tuple[str, ...], value: object, place: str) -> None:
    if path == ("connect_args", "password"):
        draft.put_secret(profile, ("password",), value, place)
    elif is_secret(path):
        draft.put_secret(profile, path, value, place)
    else:
        profile.put(path, value, place)


def _fitted(name: str, value: Any) -> object:
    """A value of the type that our key takes, where the other tool took another."""
    if name == "isolation_level" and isinstance(value, str):
        return value.replace("_", " ").upper()
    if name == "pool_reset_on_return":
        return {True: "rollback", False: "none"}.get(value, value)
    return int(value) if name == "pool_recycle" and isinstance(value, float) else value
