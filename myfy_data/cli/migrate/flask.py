"""Flask-SQLAlchemy: `SQLALCHEMY_DATABASE_URI`, its binds, each a profile, and its engine options."""

from __future__ import annotations

import ast

from myfy_data.cli.migrate.addresses import put_url
from myfy_data.cli.migrate.draft import MAIN, Draft, ProfileDraft
from myfy_data.cli.migrate.engine_arguments import put_arguments
from myfy_data.cli.migrate.expressions import UNKNOWN, Reader
from myfy_data.cli.migrate.python_settings import Found, find_settings

_OLD = {
    "SQLALCHEMY_POOL_SIZE": "pool_size",
    "SQLALCHEMY_POOL_TIMEOUT": "pool_timeout",
    "SQLALCHEMY_POOL_RECYCLE": "pool_recycle",
    "SQLALCHEMY_MAX_OVERFLOW": "max_overflow",
    "SQLALCHEMY_ECHO": "echo",
}
_UNUSED = {
    "SQLALCHEMY_TRACK_MODIFICATIONS": "nothing tracks modifications here",
    "SQLALCHEMY_COMMIT_ON_TEARDOWN": "a request commits below status 400 by default",
    "SQLALCHEMY_RECORD_QUERIES": "see [data.profiles.main] echo, and data.queries() in tests",
    "SQLALCHEMY_NATIVE_UNICODE": "text is text",
}
_URI, _BINDS, _OPTIONS = "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS", "SQLALCHEMY_ENGINE_OPTIONS"
NAMES = frozenset({_URI, _BINDS, _OPTIONS, *_OLD, *_UNUSED})


def read_flask(draft: Draft, tree: ast.Module, file: str) -> None:
    """Carry over what a module configures for Flask-SQLAlchemy."""
    chosen, others = find_settings(tree, NAMES)
    reader = Reader(tree)
    if _URI in chosen:
        _put_database(draft, MAIN, reader.read(chosen[_URI].node), f"{file}:{chosen[_URI].line}")
    if _BINDS in chosen:
        _put_binds(draft, reader, chosen[_BINDS], file)
    for profile in draft.profiles.values():
        _put_options(draft, profile, reader, chosen, file)
    for item in chosen.values():
        if item.name in _UNUSED:
            draft.note(f"{file}:{item.line}", f"{item.name} is not carried over: {_UNUSED[item.name]}")
    for item in others:
        place = f"{file}:{item.line}"
        draft.note(place, f"{item.scope}.{item.name} holds in one environment: by hand, into config/<environment>.toml")


def _put_binds(draft: Draft, reader: Reader, found: Found, file: str) -> None:
    binds = found.node
    if not isinstance(binds, ast.Dict):
        draft.note(f"{file}:{found.line}", f"{_BINDS} is to be carried over by hand")
        return
    for key, value in zip(binds.keys, binds.values, strict=True):
        name = reader.read(key)
        if isinstance(name, str) or name is None:
            _put_database(draft, name or MAIN, reader.read(value), f"{file}:{value.lineno}")


def _put_database(draft: Draft, name: str, value: object, place: str) -> None:
    """One database: a URL, or a dictionary with a `url` and engine options."""
    options = dict(value) if isinstance(value, dict) else {}
    url = options.pop("url", UNKNOWN) if options else value
    if not isinstance(url, str):
        draft.note(place, f"the address of {name} is to be carried over by hand: only running the code would tell it")
        return
    profile = draft.profile(name)
    if not put_url(draft, profile, _below_instance(draft, url, place), place):
        del draft.profiles[profile.name]
        return
    put_arguments(draft, profile, options, place)


def _below_instance(draft: Draft, url: str, place: str) -> str:
    if url.startswith("sqlite:///") and not url.startswith(("sqlite:////", "sqlite:///:")):
        draft.note(place, "Flask looks for the file below its instance folder; here the path is relative to myfy.toml")
    return url


def _put_options(draft: Draft, profile: ProfileDraft, reader: Reader, chosen: dict[str, Found], file: str) -> None:
    options = chosen.get(_OPTIONS)
    if options is not None:
        place = f"{file}:{options.line}"
        value = reader.read(options.node)
        if isinstance(value, dict):
            put_arguments(draft, profile, value, place)
        else:
            draft.note(place, f"{_OPTIONS} is to be carried over by hand: only running the code would tell it")
    for name, key in _OLD.items():
        if name in chosen:
            put_arguments(draft, profile, {key: reader.read(chosen[name].node)}, f"{file}:{chosen[name].line}")
