"""Django's `DATABASES`: each alias a profile."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from myfy_data.cli.migrate.addresses import put_reference, put_url
from myfy_data.cli.migrate.draft import Draft, ProfileDraft
from myfy_data.cli.migrate.engine_arguments import put_table
from myfy_data.cli.migrate.expressions import UNKNOWN, Reader, called
from myfy_data.cli.migrate.python_settings import Found, find_settings

NAMES = frozenset({"DATABASES", "DATABASE_ROUTERS", "CONN_MAX_AGE"})

_ENGINES = {
    "postgresql": "postgresql+asyncpg",
    "postgresql_psycopg2": "postgresql+asyncpg",
    "postgis": "postgresql+asyncpg",
    "mysql": "mysql+aiomysql",
    "sqlite3": "sqlite+aiosqlite",
    "spatialite": "sqlite+aiosqlite",
}
_PARTS = {"NAME": "database", "USER": "username", "HOST": "host", "PORT": "port"}
_TLS = {"sslmode": "tls", "sslrootcert": "tls_ca", "sslcert": "tls_cert", "sslkey": "tls_key"}
_POOL = {"min_size": "pool_size", "max_size": "max_overflow", "timeout": "pool_timeout", "max_lifetime": "pool_recycle"}
_DEFAULTS = {
    "ATOMIC_REQUESTS": "a request is one transaction by default",
    "AUTOCOMMIT": "a session begins a transaction by itself",
    "TIME_ZONE": "a timestamp keeps its own zone",
    "DISABLE_SERVER_SIDE_CURSORS": "streams are asked for where they are wanted",
}
_DEFAULT = re.compile(r"\$\{\w+:-(.*)\}")
_URL_FUNCTIONS = frozenset({"config", "parse", "db", "db_url", "dj_db_url"})


def read_django(draft: Draft, tree: ast.Module, file: str) -> None:
    """Carry over the databases of a settings module."""
    chosen, others = find_settings(tree, NAMES)
    reader = Reader(tree)
    databases = chosen.get("DATABASES")
    if databases is not None:
        _put_databases(draft, reader, databases, file)
    if "DATABASE_ROUTERS" in chosen:
        place = f"{file}:{chosen['DATABASE_ROUTERS'].line}"
        draft.note(place, 'DATABASE_ROUTERS is not carried over: a session names its profile, data.session("name")')
    for item in others:
        draft.note(f"{file}:{item.line}", f"{item.scope}.{item.name} is to be carried over by hand")
    for place, text in _changed_later(tree, file):
        draft.note(place, text)


def _changed_later(tree: ast.Module, file: str) -> Iterator[tuple[str, str]]:
    """`DATABASES["default"][...] = ...` and the like, which only hold where they run."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Subscript) and "DATABASES" in ast.dump(target.value):
                yield f"{file}:{node.lineno}", "DATABASES is changed here: to be carried over by hand"


def _put_databases(draft: Draft, reader: Reader, found: Found, file: str) -> None:
    if not isinstance(found.node, ast.Dict):
        draft.note(f"{file}:{found.line}", "DATABASES is to be carried over by hand: it is no literal")
        return
    for key, value in zip(found.node.keys, found.node.values, strict=True):
        name = reader.read(key)
        if isinstance(name, str):
            _put_alias(draft, reader, name, value, file)


def _put_alias(draft: Draft, reader: Reader, name: str, node: ast.expr, file: str) -> None:
    place = f"{file}:{node.lineno}"
    if isinstance(node, ast.Call) and called(node.func) in _URL_FUNCTIONS:
        _put_function(draft, reader, name, node, place)
    elif isinstance(node, ast.Dict):
        _Alias(draft, reader, name, file).put(node)
    else:
        draft.note(place, f"the database {name} is to be carried over by hand: only running the code would tell it")


def _put_function(draft: Draft, reader: Reader, name: str, node: ast.Call, place: str) -> None:
    """`env.db("DATABASE_URL")` of django-environ, `config(...)` and `parse(...)` of dj-database-url."""
    profile = draft.profile(name)
    first = reader.read(node.args[0]) if node.args else "DATABASE_URL"
    keywords = {keyword.arg: reader.read(keyword.value) for keyword in node.keywords if keyword.arg}
    if called(node.func) == "parse":
        if not isinstance(first, str) or not put_url(draft, profile, first, place):
            draft.profiles.pop(profile.name)
            draft.note(place, f"the database {name} is to be carried over by hand")
        return
    variable = keywords.get("env", first)
    put_reference(draft, profile, f"${{{variable}}}", place)
    if "default" in keywords:
        draft.note(place, f"the default of {variable} is not carried over: it may hold a password")
    _put_age(draft, profile, keywords.get("conn_max_age"), place)
    if keywords.get("conn_health_checks") is True:
        profile.put("pool_pre_ping", True, place)
    if keywords.get("ssl_require") is True:
        profile.put("tls", "require", place)


def _put_age(draft: Draft, profile: ProfileDraft, value: object, place: str) -> None:
    """How long a connection lives; Django's zero means a new one for each request, which a pool is there to avoid."""
    if value == 0 and value is not False:
        draft.note(place, "CONN_MAX_AGE = 0 is not carried over: a pool keeps its connections")
    elif isinstance(value, int | str) or value is None:
        profile.put("pool_recycle", value, place)


class _Alias:
    """One alias whose settings are a dictionary."""

    def __init__(self, draft: Draft, reader: Reader, name: str, file: str) -> None:
        self._draft = draft
        self._reader = reader
        self._profile = draft.profile(name)
        self._file = file

    def put(self, node: ast.Dict) -> None:
        """Carry all of it over."""
        pairs = [(self._reader.read(key), value) for key, value in zip(node.keys, node.values, strict=True)]
        engine = next((self._reader.read(value) for key, value in pairs if key == "ENGINE"), "")
        place = f"{self._file}:{node.lineno}"
        if (default := _DEFAULT.fullmatch(str(engine))) is not None:
            self._draft.note(place, f"ENGINE is that of its default, {default[1]}: a profile has one driver")
            engine = default[1]
        driver = _ENGINES.get(str(engine).rpartition(".")[2])
        if driver is None:
            del self._draft.profiles[self._profile.name]
            shown = engine if engine is not UNKNOWN else "only running the code would tell it"
            self._draft.note(place, f"the database {self._profile.name} is not carried over: no engine for {shown}")
            return
        self._profile.put("driver", driver, place)
        for key, value in pairs:
            if isinstance(key, str) and key != "ENGINE":
                self._one(key, value, driver)

    def _one(self, key: str, node: ast.expr, driver: str) -> None:
        place, value = f"{self._file}:{node.lineno}", self._reader.read(node)
        if key in _SPECIAL:
            _SPECIAL[key](self, value, driver, place)
        elif key in _DEFAULTS:
            self._draft.note(place, f"{key} is not carried over: {_DEFAULTS[key]}")
        elif value is UNKNOWN or key not in _PARTS:
            self._draft.note(place, f"{key} is to be carried over by hand")
        elif value not in ("", None):
            self._part(key, value, driver, place)

    def _part(self, key: str, value: Any, driver: str, place: str) -> None:
        if driver.startswith("sqlite") and key != "NAME":
            return
        if key == "HOST" and driver.startswith("mysql") and str(value).startswith("/"):
            self._profile.put(("query", "unix_socket"), value, place)
        else:
            number = key == "PORT" and str(value).isdigit()
            self._profile.put(_PARTS[key], int(value) if number else value, place)

    def _password(self, value: object, _driver: str, place: str) -> None:
        if value is UNKNOWN:
            self._draft.note(place, "PASSWORD is to be carried over by hand: only running the code would tell it")
        elif value:
            self._draft.put_secret(self._profile, ("password",), value, place)

    def _age(self, value: object, _driver: str, place: str) -> None:
        _put_age(self._draft, self._profile, -1 if value is None else value, place)

    def _health(self, value: object, _driver: str, place: str) -> None:
        if isinstance(value, bool | str):
            self._profile.put("pool_pre_ping", value, place)

    def _test(self, value: object, _driver: str, place: str) -> None:
        mirror = value.get("MIRROR") if isinstance(value, dict) else None
        if mirror:
            self._draft.note(place, f"TEST.MIRROR is not carried over: a replica of {mirror} is read_only = true")
            self._profile.put("read_only", True, place)
        else:
            self._draft.note(
                place, "TEST is not carried over: tests have an environment of their own, config/test.toml"
            )

    def _options(self, value: object, driver: str, place: str) -> None:
        if not isinstance(value, dict):
            self._draft.note(place, "OPTIONS is to be carried over by hand")
            return
        rest = dict(value)
        for name, key in _TLS.items():
            if isinstance(rest.get(name), str):
                self._profile.put(key, rest.pop(name), place)
        self._put_pool(rest.pop("pool", None), place)
        if driver.startswith("sqlite") and "timeout" in rest:
            self._profile.put(("sqlite", "busy_timeout"), rest.pop("timeout"), place)
        level = rest.pop("isolation_level", None)
        if isinstance(level, str):
            self._profile.put("isolation_level", level.upper(), place)
        elif level is not None:
            self._draft.note(place, "OPTIONS.isolation_level is to be carried over by hand, as isolation_level")
        put_table(self._draft, self._profile, "connect_args", rest, place)

    def _put_pool(self, pool: object, place: str) -> None:
        if not isinstance(pool, dict):
            return
        kept = {_POOL[name]: value for name, value in pool.items() if name in _POOL}
        if all(isinstance(kept.get(key), int) for key in ("pool_size", "max_overflow")):
            kept["max_overflow"] = max(0, kept["max_overflow"] - kept["pool_size"])
        for key, value in kept.items():
            self._profile.put(key, value, place)


_SPECIAL: Mapping[str, Callable[[_Alias, Any, str, str], None]] = {
    "PASSWORD": _Alias._password,  # noqa: SLF001 - the table of the class above
    "CONN_MAX_AGE": _Alias._age,  # noqa: SLF001 - as above
    "CONN_HEALTH_CHECKS": _Alias._health,  # noqa: SLF001 - as above
    "TEST": _Alias._test,  # noqa: SLF001 - as above
    "OPTIONS": _Alias._options,  # noqa: SLF001 - as above
}
