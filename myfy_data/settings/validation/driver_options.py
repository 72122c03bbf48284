"""What `connect_args` and a URL's query may hold: the options of each driver, and what each takes (contract C2, C16.3).

What is left out has a key of its own in the profile, or would undo a promise: `local_infile` and raw client flags of
MySQL, SQLite's own transactions, a DSN of asyncpg's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.urls import ConnectionURL

_MOST = 2**31 - 1
"""The largest number that every driver takes."""


@dataclass(frozen=True, slots=True)
class Option:
    """What one option of a driver takes.

    Attributes:
        expected: in words.
        fits: whether it takes a value.
        sample: a value that it takes; None where only code can give one.
        read: from the text of a URL's query to the value; None where that cannot say it.
        choices: the texts that it takes, where it does not take any.
    """

    expected: str
    fits: Callable[[object], bool]
    sample: object = None
    read: Callable[[str], object] | None = None
    choices: tuple[str, ...] = ()


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def read_whole(text: str) -> object:
    """The number that a text means, else the text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else text


def read_switch(text: str) -> object:
    """What `true` and `false` mean, else the text."""
    return {"true": True, "false": False}.get(text.lower(), text)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) and "\0" not in item for item in value.values())


def _is_context(value: object) -> bool:
    import ssl  # noqa: PLC0415 - it costs more than the rest of a load, and only code has one

    return isinstance(value, ssl.SSLContext)


def _one_of(*choices: str, sample: str) -> Option:
    return Option(f"one of {', '.join(choices)}", lambda value: value in choices, sample, str, choices)


def _charset(value: object) -> bool:
    return isinstance(value, str) and value.lower() in CHARSETS


WHOLE = Option("a whole number", _is_whole, 100, read_whole)
SWITCH = Option("true or false", lambda value: isinstance(value, bool), sample=True, read=read_switch)
TEXT = Option("text", _is_text, None, str)
TEXTS = Option("a table of texts", _are_texts, {})
BYTES = Option("bytes, which are given in code", lambda value: isinstance(value, bytes))
CLASS = Option("a class, which is given in code", lambda value: isinstance(value, type))
FUNCTION = Option("a function, which is given in code", callable)
CONTEXT = Option("an ssl.SSLContext, which is given in code", _is_context)

_CHARSETS = (
    "armscii8 ascii big5 binary cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 cp932 dec8 eucjpms euckr "
    "gb18030 gb2312 gbk geostd8 greek hebrew hp8 keybcs2 koi8r koi8u latin1 latin2 latin5 latin7 macce "
    "macroman sjis swe7 tis620 ujis utf8 utf8mb3 utf8mb4"
)
CHARSETS = frozenset(_CHARSETS.split())
"""MySQL's character sets that the driver can speak."""

ADAPTER_OPTIONS: Mapping[str, Option] = {
    "prepared_statement_cache_size": WHOLE,
    "prepared_statement_name_func": FUNCTION,
}
"""What SQLAlchemy's adapter around asyncpg takes, beside asyncpg itself."""

ASYNCPG: Mapping[str, Option] = {
    **ADAPTER_OPTIONS,
    "connection_class": CLASS,
    "direct_tls": SWITCH,
    "gsslib": _one_of("gssapi", "sspi", sample="gssapi"),
    "krbsrvname": TEXT,
    "max_cacheable_statement_size": WHOLE,
    "max_cached_statement_lifetime": WHOLE,
    "record_class": CLASS,
    "server_settings": TEXTS,
    "ssl": CONTEXT,
    "statement_cache_size": WHOLE,
    "target_session_attrs": _one_of(
        "any", "primary", "standby", "read-write", "read-only", "prefer-standby", sample="read-write"
    ),
}

AIOMYSQL: Mapping[str, Option] = {
    "auth_plugin": TEXT,
    "charset": Option("a character set of MySQL", _charset, "utf8mb4", str, tuple(sorted(CHARSETS))),
    "init_command": TEXT,
    "server_public_key": BYTES,
    "sql_mode": TEXT,
    "ssl": CONTEXT,
    "unix_socket": TEXT,
}

SQLITE: Mapping[str, Option] = {
    "cached_statements": WHOLE,
    "detect_types": Option(
        "a whole number from 0 to 3", lambda value: _is_whole(value) and value in range(4), 0, read_whole
    ),
}

OPTIONS: Mapping[str, Mapping[str, Option]] = {"postgresql": ASYNCPG, "mysql": AIOMYSQL, "sqlite": SQLITE}
"""The options of each database's driver."""

OF_THE_URL = {"postgresql": frozenset({"host"}), "mysql": frozenset[str](), "sqlite": frozenset[str]()}
"""What stands in a URL's query and is no option of the driver: the rest of the address."""


def driver_arguments(settings: ProfileSettings, url: ConnectionURL) -> dict[str, Any]:
    """What a profile's query and `connect_args` tell the driver, each with the type that it takes. Pure."""
    options, skipped = OPTIONS[url.backend], OF_THE_URL[url.backend]
    query = {name: read_option(options[name], value) for name, value in url.query.items() if name not in skipped}
    return {**query, **settings.connect_args}


def read_option(option: Option, value: object) -> object:
    """The value that an option's text in a query means; the text itself where it means none."""
    return option.read(value) if option.read is not None and isinstance(value, str) else value
