"""Calls that make engines: SQLAlchemy's own, those of advanced-alchemy, and what an `env.py` tells Alembic."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from myfy_data.cli.migrate.addresses import async_driver, put_url
from myfy_data.cli.migrate.draft import MAIN, Draft, ProfileDraft, profile_name
from myfy_data.cli.migrate.engine_arguments import put_argument
from myfy_data.cli.migrate.expressions import UNKNOWN, Reader, assigned, called

_ENGINES = frozenset({"create_async_engine", "create_engine"})
_CONFIGS = frozenset({"SQLAlchemyAsyncConfig", "SQLAlchemySyncConfig", "AsyncDatabaseConfig", "SyncDatabaseConfig"})
_ALEMBIC = frozenset({"set_main_option", "configure"})
_WORDS = ("engine", "config", "db", "database", "alchemy", "sqlalchemy", "async", "sync", "async_engine")
_CONFIG_NOTES = {
    "create_all": "tables are made with DataModule(auto_create_tables=True), in development only",
    "session_config": "sessions are those of data.session()",
    "session_dependency_key": "see the how-to of your framework",
    "engine_dependency_key": "see the how-to of your framework",
    "before_send_handler": "a request commits below status 400 by default",
    "commit_mode": "a request commits below status 400 by default",
    "enable_touch_updated_timestamp_listener": "it belongs to the models",
}
_PARTS = {"username": "username", "host": "host", "port": "port", "database": "database"}


def has_engines(tree: ast.Module) -> bool:
    """Whether the module makes an engine, or tells Alembic of one."""
    return any(called(node.func) in _ENGINES | _CONFIGS for node in _calls(tree)) or any(
        called(node.func) == "set_main_option" for node in _calls(tree)
    )


def read_engines(draft: Draft, tree: ast.Module, file: str) -> None:
    """Carry over every engine that a module makes."""
    reader = Reader(tree)
    owners = {id(value): _owner(target) for node in ast.walk(tree) for target, value in assigned(node)}
    for node in _calls(tree):
        name, place = called(node.func), f"{file}:{node.lineno}"
        if name in _ENGINES:
            _put_engine(draft, reader, node, owners.get(id(node), ""), place)
        elif name in _CONFIGS:
            _put_config(draft, reader, node, owners.get(id(node), ""), place)
        elif name in _ALEMBIC:
            _put_alembic(draft, reader, node, place)


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    yield from sorted(found, key=lambda node: node.lineno)


def _owner(target: ast.expr) -> str:
    """The profile that a variable's name tells: `analytics_engine` is `analytics`."""
    words = [word for word in called(target).lower().strip("_").split("_") if word not in _WORDS]
    return profile_name("-".join(words)) if words else ""


def _new(draft: Draft, name: str) -> ProfileDraft:
    """A profile that none has filled yet."""
    name = wanted = profile_name(name or MAIN)
    number = 2
    while name in draft.profiles:
        name, number = f"{wanted}-{number}", number + 1
    return draft.profile(name)


def _arguments(reader: Reader, node: ast.Call) -> dict[str, object]:
    return {keyword.arg: reader.read(keyword.value) for keyword in node.keywords if keyword.arg}


def _put_engine(draft: Draft, reader: Reader, node: ast.Call, owner: str, place: str) -> None:
    address = node.args[0] if node.args else next((word.value for word in node.keywords if word.arg == "url"), None)
    profile = _new(draft, owner)
    if not _put_address(draft, profile, reader, address, place):
        del draft.profiles[profile.name]
        return
    _put_keywords(draft, profile, reader, node, place)


def _put_keywords(draft: Draft, profile: ProfileDraft, reader: Reader, node: ast.Call, place: str) -> None:
    """What the call gives an engine beside its address, each with the line of its own."""
    for word in node.keywords:
        if word.arg and word.arg != "url":
            put_argument(draft, profile, word.arg, reader.read(word.value), _at(place, word.value))


def _at(place: str, node: ast.AST) -> str:
    """The place of an expression in the file of another place."""
    return f"{place.rpartition(':')[0]}:{getattr(node, 'lineno', 1)}"


def _put_address(draft: Draft, profile: ProfileDraft, reader: Reader, node: ast.expr | None, place: str) -> bool:
    """A URL as text, or `URL.create(...)`."""
    if isinstance(node, ast.Name) and isinstance(found := reader.assigned_to(node), ast.Call):
        node = found if called(found.func) == "create" else node
    if isinstance(node, ast.Call) and called(node.func) == "create":
        return _put_parts(draft, profile, reader, node, _at(place, node))
    url = reader.read(node)
    if not isinstance(url, str):
        draft.note(place, "the address is to be carried over by hand: only running the code would tell it")
        return False
    return put_url(draft, profile, url, _at(place, node) if node else place)


def _put_parts(draft: Draft, profile: ProfileDraft, reader: Reader, node: ast.Call, place: str) -> bool:
    arguments = _arguments(reader, node)
    scheme = arguments.get("drivername", reader.read(node.args[0]) if node.args else UNKNOWN)
    driver = async_driver(scheme) if isinstance(scheme, str) else None
    if driver is None:
        draft.note(place, "the address is to be carried over by hand: its driver is not supported, or not a literal")
        return False
    profile.put("driver", driver, place)
    for name, key in _PARTS.items():
        value = arguments.get(name)
        if value is UNKNOWN:
            draft.note(place, f"{name} is to be carried over by hand: only running the code would tell it")
        else:
            profile.put(key, value, place)
    if (password := arguments.get("password")) is UNKNOWN:
        draft.note(place, "password is to be carried over by hand: only running the code would tell it")
    elif password is not None:
        draft.put_secret(profile, ("password",), password, place)
    query = arguments.get("query")
    for name, value in query.items() if isinstance(query, dict) else ():
        profile.put(("query", name), value, place)
    return True


def _put_config(draft: Draft, reader: Reader, node: ast.Call, owner: str, place: str) -> None:
    """advanced-alchemy's `SQLAlchemyAsyncConfig(connection_string=..., engine_config=EngineConfig(...))`."""
    keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    if "connection_string" not in keywords:
        if "engine_instance" not in keywords:
            draft.note(place, "the address is to be carried over by hand")
        return  # the engine is carried over where it is made
    bind = reader.read(keywords.get("bind_key"))
    profile = _new(draft, bind if isinstance(bind, str) else owner)
    if not _put_address(draft, profile, reader, keywords["connection_string"], place):
        del draft.profiles[profile.name]
        return
    engine = keywords.get("engine_config")
    if isinstance(engine, ast.Name):
        engine = reader.assigned_to(engine)
    if isinstance(engine, ast.Call):
        _put_keywords(draft, profile, reader, engine, place)
    _put_migrations(draft, profile, reader, keywords, place)
    for name in [name for name in keywords if name in _CONFIG_NOTES]:
        draft.note(_at(place, keywords[name]), f"{name} is not carried over: {_CONFIG_NOTES[name]}")


def _put_migrations(
    draft: Draft, profile: ProfileDraft, reader: Reader, keywords: dict[str, ast.expr], place: str
) -> None:
    node = keywords.get("alembic_config")
    if isinstance(node, ast.Name):
        node = reader.assigned_to(node)
    if not isinstance(node, ast.Call):
        return
    arguments = _arguments(reader, node)
    for name, key in (("script_location", "directory"), ("version_table_name", "version_table")):
        if isinstance(arguments.get(name), str):
            profile.put(("migrations", key), arguments[name], _at(place, node))
    if "metadata" not in arguments:
        draft.note(place, 'the models\' metadata is to be named: migrations.metadata = "app.models:Base.metadata"')


def _put_alembic(draft: Draft, reader: Reader, node: ast.Call, place: str) -> None:
    """What an `env.py` says: the address as an option, and the version table."""
    profile = next(iter(draft.profiles.values()), None) or draft.profile(MAIN)
    if called(node.func) == "set_main_option":
        name, value = [*(reader.read(part) for part in node.args), UNKNOWN, UNKNOWN][:2]
        if name == "sqlalchemy.url" and isinstance(value, str):
            put_url(draft, profile, value.replace("%%", "%"), place)
        elif name == "sqlalchemy.url":
            draft.note(place, "the address is to be carried over by hand: only running the code would tell it")
    version_table = _arguments(reader, node).get("version_table")
    if isinstance(version_table, str):
        profile.put(("migrations", "version_table"), version_table, place)
