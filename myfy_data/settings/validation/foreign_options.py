"""What options of other tools mean here: of hosted databases' URLs, libpq, JDBC, Prisma, Node, Go and PyMySQL.

TLS stands in `foreign_tls`. Edit distance has no say where a name has a meaning of its own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from myfy_data.errors import InvalidDatabaseURLError
from myfy_data.layers.variables.coercion import TextError, read_text
from myfy_data.origins import KeyPath
from myfy_data.redaction import looks_secret, redact_value
from myfy_data.settings.key_spec import KEY_SPEC
from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.validation.foreign_tls import plain
from myfy_data.settings.validation.pgbouncer import STATEMENT_CACHES

Values = tuple[tuple[KeyPath, object], ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an option of another tool means here.

    Attributes:
        write: the keys that say it, below the profile, with their values.
        in_url: what the driver itself calls it, as `name=value`.
        why: why nothing need be said, or nothing can be.
        key: a key of the profile whose value must not be repeated.
    """

    write: Values = ()
    in_url: str = ""
    why: str = ""
    key: str = ""


Reader = Callable[[str, str], Meaning]
"""From an option's name and value to what it means."""


def meaning_of(name: str, value: object, backend: str) -> Meaning | None:
    """What an option means that the driver does not take; None when no tool is known to use it.

    Args:
        name: as it was written.
        value: as it was written; a URL has only text.
        backend: `sqlite`, `postgresql` or `mysql`.
    """
    read = _BY_BACKEND[backend].get(plain(name)) or _EVERYWHERE.get(plain(name))
    meaning = read(name, str(value)) if read is not None else _own_key(name, value)
    return _without_secrets(name, meaning) if meaning is not None else None


def _without_secrets(name: str, meaning: Meaning) -> Meaning:
    for path, value in meaning.write:
        if any(map(looks_secret, (name, *path))) or redact_value(path[-1], value) != value:
            return Meaning(key=".".join(path))
    return meaning


def _own_key(name: str, value: object) -> Meaning | None:
    """An option that is called as a key of the profile."""
    if name not in ProfileSettings.model_fields or name == "environment":
        return None
    return _read_as(name, value)


def _read_as(key: str, value: object) -> Meaning:
    """The meaning that `key` has a value which may be text, as it is in a URL."""
    kind = KEY_SPEC.kind((key,))
    try:
        read = read_text(kind, value) if isinstance(value, str) and kind is not None else value
    except TextError:
        return _unusable(key)
    return _usable(key, read)


def _usable(key: str, value: object, *more: tuple[KeyPath, object]) -> Meaning:
    """The meaning that `key` has `value`, if it takes that."""
    try:
        ProfileSettings.__pydantic_validator__.validate_python({key: value}, strict=True)
    except (ValidationError, InvalidDatabaseURLError):
        return _unusable(key)
    return Meaning(write=(((key,), value), *more))


def _unusable(key: str) -> Meaning:
    return Meaning(why=f"it would be {key}, which does not take this value")


def _said_by(key: str) -> Reader:
    return lambda _, value: _read_as(key, value)


def _limit(_: str, value: str) -> Meaning:
    """The most connections that there may be: nothing may overflow it."""
    if not (value.isascii() and value.isdigit()):
        return _unusable("pool_size")
    return _usable("pool_size", int(value), (("max_overflow",), 0))


def _seconds(key: str, *, unit: float = 1.0) -> Reader:
    """A time; `unit` is what a bare number counts, in seconds."""

    def read(name: str, value: str) -> Meaning:
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|min|m|h)?", value.strip())
        if found is None:
            return _unusable(key)
        counts = 0.001 if name.endswith(("Millis", "Ms")) else unit
        seconds = float(found[1]) * {"ms": 0.001, "s": 1, "min": 60, "m": 60, "h": 3600, None: counts}[found[2]]
        return _usable(key, round(seconds) if key == "pool_recycle" else round(seconds, 3))

    return read


def _in_milliseconds_by_camel_case(key: str) -> Reader:
    """MySQL's tools count `connectTimeout` in milliseconds, `connect_timeout` in seconds."""
    by_name = {True: _seconds(key, unit=0.001), False: _seconds(key)}
    return lambda name, value: by_name[name != name.lower()](name, value)


def _nothing(why: str) -> Reader:
    return lambda _, __: Meaning(why=why)


def _says_yes(value: str) -> bool:
    return plain(value) in ("true", "1", "on", "yes", "y")


def _pgbouncer(_: str, value: str) -> Meaning:
    return Meaning(write=((("pooler",), "pgbouncer"),)) if _says_yes(value) else Meaning(why="no pooler is the default")


def _read_only(_: str, value: str) -> Meaning:
    if _says_yes(value) or value == "ro":
        return Meaning(write=((("read_only",), True),))
    return Meaning(why="writes are allowed by default")


def _server_setting(name: str) -> Reader:
    return lambda _, value: Meaning(write=((("connect_args", "server_settings", name), value),))


def _unprepared(_: str, value: str) -> Meaning:
    """Prepared statements switched off, or on, which is the default."""
    if plain(value) not in ("false", "0", "no", "off", "simple", "exec", "simpleprotocol", "disable"):
        return Meaning(why="statements are prepared by default")
    return Meaning(write=tuple((("connect_args", key), 0) for key in STATEMENT_CACHES))


_TARGETS = {"primary": "primary", "master": "primary", "secondary": "standby", "slave": "standby"}


def _target(_: str, value: str) -> Meaning:
    wanted = "prefer-standby" if plain(value).startswith("prefers") else _TARGETS.get(plain(value), "any")
    return Meaning(in_url=f"target_session_attrs={wanted}")


_SETTING = re.compile(r"[A-Za-z_][\w.]*")


def command_line_settings(text: str) -> Mapping[str, str]:
    """The settings that libpq's `options` gives a server: `-c name=value`, or what only a provider's proxy reads."""
    try:
        words = iter(shlex.split(text))
    except ValueError:
        return {"options": text}
    found: dict[str, str] = {}
    for word in words:
        said = next(words, "") if word == "-c" else word[2:] if word.startswith(("-c", "--")) else ""
        name, equals, value = said.partition("=")
        name = name.replace("-", "_")
        if not equals or not _SETTING.fullmatch(name) or name in ("cluster", "options"):
            return {"options": text}
        found[name] = value
    return found


def _options(_: str, value: str) -> Meaning:
    settings = command_line_settings(value)
    write: list[tuple[KeyPath, object]] = []
    for name, said in settings.items():
        read = _POSTGRESQL.get(plain(name))
        own = read(name, said).write if read is not None and name != "options" else ()
        write += own or [(("connect_args", "server_settings", name), said)]
    return Meaning(write=tuple(write)) if write else Meaning(why="it says nothing")


_ALIVE = _nothing("connections are kept alive by TCP, and tested before use")
_REPLACED = _nothing("a connection that died is replaced without it")
_REFUSED = _nothing("it is not allowed here: injected SQL could do more with it")
_ALWAYS = _nothing("it is so without saying")
_ELSEWHERE = _nothing("it means something to another tool only")

_EVERYWHERE: Mapping[str, Reader] = {
    **dict.fromkeys(
        ("connectionlimit", "maxpoolsize", "maximumpoolsize", "poolmaxconns", "poolmaxsize", "maxconnections"), _limit
    ),
    **dict.fromkeys(("maxlifetime", "poolmaxconnlifetime", "connmaxlifetime"), _seconds("pool_recycle")),
    **dict.fromkeys(("timeout", "logintimeout", "poolacquiretimeout"), _seconds("connect_timeout")),
    **dict.fromkeys(("connectiontimeoutmillis", "connecttimeoutms"), _seconds("connect_timeout", unit=0.001)),
    **dict.fromkeys(("readtimeout", "writetimeout", "querytimeout"), _seconds("command_timeout")),
    "pooltimeout": _seconds("pool_timeout"),
    "user": _said_by("username"),
    **dict.fromkeys(("db", "dbname"), _said_by("database")),
    **dict.fromkeys(("programname", "fallbackapplicationname", "applicationname"), _said_by("application_name")),
    "readonly": _read_only,
    **dict.fromkeys(
        ("keepalives", "keepalivesidle", "keepalivesinterval", "keepalivescount", "tcpkeepalive", "tcpusertimeout"),
        _ALIVE,
    ),
    **dict.fromkeys(("autoreconnect", "reconnect", "autoreconnectforpools", "testonborrow"), _REPLACED),
    **dict.fromkeys(("allowmultiqueries", "multistatements", "localinfile", "allowloadlocalinfile"), _REFUSED),
    **dict.fromkeys(("useunicode", "characterencoding", "parsetime", "tcpnodelay"), _ALWAYS),
    **dict.fromkeys(
        (
            "allowpublickeyretrieval",
            "binaryparameters",
            "cacheprepstmts",
            "connectionpool",
            "loc",
            "rewritebatchedinserts",
            "rewritebatchedstatements",
            "servertimezone",
            "singleuseconnections",
            "sslcompression",
            "sslsni",
            "supa",
            "uselegacydatetimecode",
            "uselibpqcompat",
            "useprepstmts",
            "useserverprepstmts",
            "workaround",
            "zerodatetimebehavior",
        ),
        _ELSEWHERE,
    ),
}

_POSTGRESQL: Mapping[str, Reader] = {
    **dict.fromkeys(("connecttimeout", "connectiontimeout"), _seconds("connect_timeout")),
    **dict.fromkeys(("commandtimeout", "sockettimeout"), _seconds("command_timeout")),
    "statementtimeout": _seconds("statement_timeout", unit=0.001),  # the server's own word counts milliseconds
    "pgbouncer": _pgbouncer,
    **dict.fromkeys(("schema", "currentschema", "searchpath"), _server_setting("search_path")),
    **{
        plain(name): _server_setting(name)
        for name in (
            "datestyle",
            "extra_float_digits",
            "idle_in_transaction_session_timeout",
            "idle_session_timeout",
            "intervalstyle",
            "jit",
            "lock_timeout",
            "role",
            "timezone",
            "work_mem",
        )
    },
    "defaulttransactionreadonly": _read_only,
    "options": _options,
    "targetservertype": _target,
    **dict.fromkeys(("preparethreshold", "preparedstatements", "preferquerymode", "defaultqueryexecmode"), _unprepared),
    **dict.fromkeys(("clientencoding", "charset"), _nothing("the client's encoding is UTF-8 here")),
    **dict.fromkeys(("gssencmode", "loadbalancehosts", "requireauth", "replication"), _ELSEWHERE),
}

_MYSQL: Mapping[str, Reader] = {
    **{
        plain(name): _in_milliseconds_by_camel_case(key)
        for name, key in (
            ("connect_timeout", "connect_timeout"),
            ("connection_timeout", "connect_timeout"),
            ("command_timeout", "command_timeout"),
            ("socket_timeout", "command_timeout"),
        )
    },
    "socket": lambda _, value: Meaning(in_url=f"unix_socket={value}"),
}

_SQLITE: Mapping[str, Reader] = {
    "mode": _read_only,
    "timeout": lambda _, value: _busy(value),
    "foreignkeys": _ALWAYS,
    "checksamethread": _ALWAYS,
    "uri": _ALWAYS,
    "cache": _ELSEWHERE,
}


def _busy(value: str) -> Meaning:
    found = re.fullmatch(r"\d{1,6}(\.\d{1,3})?", value)
    return Meaning(write=((("sqlite", "busy_timeout"), float(value)),)) if found else _unusable("sqlite.busy_timeout")


_BY_BACKEND = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "sqlite": _SQLITE}
