"""Database URLs: reading them without SQLAlchemy, and joining them with parts (contract C3.5, C9).

The loader must judge a URL while SQLAlchemy stays unimported, so the few lines that take one apart are ours;
engines get `sqlalchemy.URL` objects made from the result, never text (20,000 random URLs lost data as text).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from myfy_data.errors import InvalidDatabaseURLError, Problem
from myfy_data.origins import format_key
from myfy_data.redaction import DatabaseURL, Secret
from myfy_data.settings.connection_url import ConnectionURL, server_url
from myfy_data.settings.url_query import (
    TWICE,
    URLError,
    no_url,
    read_query,
    refuse_secret_behind,
    split_hosts,
    split_netloc,
    sqlite_url,
)
from myfy_data.suggestions import nearest

__all__ = [
    "DRIVERS",
    "SUPPORTED",
    "ConnectionURL",
    "URLError",
    "absolute_sqlite",
    "build_url",
    "invalid_url",
    "join_parts",
    "parse_url",
    "parsed",
    "resolve_driver",
    "server_url",
]

DRIVERS: Mapping[str, str] = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "mysql": "mysql+aiomysql",
    "mariadb": "mariadb+aiomysql",
}
"""Short scheme to the async driver that it stands for (contract C9)."""

SUPPORTED = tuple(dict.fromkeys(DRIVERS.values()))

_OTHERS = frozenset({"mssql", "oracle", "db2", "mongodb", "clickhouse", "snowflake", "redshift", "cockroachdb"})
"""Databases that are none of ours, however near their names are."""

_NAME = re.compile(r"[A-Za-z0-9]{1,20}([+_.-][A-Za-z0-9]{1,20}){0,2}")


def resolve_driver(name: str) -> str:
    """The full driver name that a URL's scheme or the `driver` key stands for.

    Raises:
        URLError: no driver of this name is supported.
    """
    full = DRIVERS.get(name, name)
    if full in SUPPORTED:
        return full
    database = name.lower().removeprefix("jdbc:").partition("+")[0]
    near = None if database in _OTHERS else nearest(database, DRIVERS)
    shown = repr(name) if _NAME.fullmatch(name) else "this"  # anything else may be a password in the wrong place
    raise URLError(
        f"{shown} is no supported driver; supported: {', '.join(SUPPORTED)}",
        f"write {DRIVERS[near]} in its place" if near else f"use one of {', '.join(SUPPORTED)}",
    )


_QUOTED = re.compile(r"(['\"]).*\1", re.DOTALL)
_BARE = "delete the quotes at both ends"


def parsed(url: DatabaseURL) -> ConnectionURL:
    """The URL taken apart, once.

    Raises:
        URLError: it cannot be used.
    """
    if url.parsed is None:
        url.parsed = parse_url(url.reveal())
    found: ConnectionURL = url.parsed
    return found


def parse_url(text: str) -> ConnectionURL:
    """Take a database URL apart.

    Raises:
        URLError: it cannot be used; the error holds no part of the password.
    """
    if _QUOTED.fullmatch(text.strip()):
        raise URLError("stands in quotes, which are no part of a URL: a shell takes them, this source does not", _BARE)
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        raise no_url(scheme)
    driver = resolve_driver(scheme)
    userinfo, location = _split_userinfo(rest)
    username, password = _credentials(userinfo)
    refuse_secret_behind(location)
    location, _, query_text = location.partition("?")
    netloc, slash, database = location.partition("/")
    hosts = split_netloc(netloc)
    host, port = hosts[0] if len(hosts) == 1 else (None, None)
    query, tls, tls_name = read_query(query_text, is_postgresql=driver.startswith("postgresql"))
    if (host is not None or len(hosts) > 1) and "host" in query and driver.startswith("postgresql"):
        raise URLError("hosts stand before and behind the '?'", "write each behind it: ?host=a:5432&host=b:5432")
    url = ConnectionURL(
        driver=driver,
        username=username,
        password=password,
        host=host,
        port=port,
        database=_database(driver, database, netloc) if slash or driver.startswith("sqlite") else None,
        query=query,
        derived=scheme != driver,
        tls=tls,
        tls_name=tls_name,
        several=tuple(hosts) if len(hosts) > 1 else (),
    )
    return _take_session_attrs(url) if SESSION_ATTRS in query else url


def _take_session_attrs(url: ConnectionURL) -> ConnectionURL:
    """Of several servers it says which of them are meant; of one, it is the driver's matter."""
    said = url.query.get(SESSION_ATTRS)
    if said is None or len(url.hosts) < 2 or url.backend != "postgresql":
        return url
    query = {key: value for key, value in url.query.items() if key != SESSION_ATTRS}
    return replace(url, query=query, session_attrs=said)


SESSION_ATTRS = "target_session_attrs"


def _split_userinfo(rest: str) -> tuple[str | None, str]:
    """Userinfo and the rest; the password may hold `/` and `?`, as SQLAlchemy allows."""
    userinfo, at, location = rest.partition("@")
    if not at or "/" in userinfo.partition(":")[0] or "?" in userinfo.partition(":")[0]:
        return None, rest
    if "@" in location.partition("/")[0].partition("?")[0] or "@" in location.partition("?")[0]:
        raise URLError(
            "the password seems to hold '@', so nobody can tell where the host begins",
            "write %40 for each '@' of the password, or take the password out of the URL and give it as `password`",
        )
    if ":" in userinfo and "@" in location:  # behind a '?', which a password may hold as well
        raise URLError(
            "there is an '@' in the query, so nobody can tell where the password ends",
            "write %40 for each '@' of the password and of the query; only the one before the host stays '@'",
        )
    return userinfo, location


def _credentials(userinfo: str | None) -> tuple[str | None, Secret | None]:
    if userinfo is None:
        return None, None
    username, colon, password = userinfo.partition(":")
    return unquote(username) or None, Secret(unquote(password)) if colon else None


def _database(driver: str, database: str, netloc: str) -> str | None:
    if not driver.startswith("sqlite"):
        if "@" in database:  # it may be `user/more:password@host`
            raise URLError(
                "there is an '@' behind a '/', so nobody can tell where the host begins",
                "write %2F for each '/' of user and password, and %40 for each '@' but the one before the host",
            )
        return unquote(database) or None
    if netloc:
        raise URLError(
            "a SQLite URL has three slashes before the path, four before an absolute one",
            f"write it as {sqlite_url(f'{netloc}/{database}' if database else netloc)}",
        )
    return unquote(database) or ":memory:"


def join_parts(url: ConnectionURL, parts: Mapping[str, object]) -> ConnectionURL:
    """A URL refined by parts; each part that is not None replaces the URL's (contract C3.5)."""
    given = {key: value for key, value in parts.items() if value is not None}
    if not given:
        return url  # the common case: everything stands in the URL
    if driver := given.pop("driver", None):
        full = resolve_driver(str(driver))
        given["driver"], given["derived"] = full, full != driver
    part: dict[str, str] = dict(given.pop("query", {}))  # type: ignore[call-overload]  # validated as Mapping[str, str]
    if "host" in given and "host" in part:
        raise URLError("the host is given twice: host and query.host", "delete one of them")
    query = {**url.query, **part}
    given |= _replaced_hosts(given, query, by_query="host" in part)
    joined = replace(url, **given, query=query)  # type: ignore[arg-type]  # the keys are the fields' own
    _ = joined.hosts  # a list of hosts that cannot be read is told here
    return _take_session_attrs(joined)


def _replaced_hosts(given: dict[str, object], query: dict[str, str], *, by_query: bool) -> dict[str, object]:
    """What becomes of the URL's hosts: a part replaces all of them, wherever they stand there."""
    hosts = given.pop("hosts", None)
    if hosts is not None and ("host" in given or by_query):
        raise URLError(f"{TWICE}: hosts and host", "delete one of them")
    if hosts is None and "host" not in given and not by_query:
        return {}
    if not by_query:
        query.pop("host", None)
    if hosts is None:
        return {"several": (), **({} if "host" in given else {"host": None})}
    every = split_hosts(",".join(hosts))  # type: ignore[arg-type]  # validated as texts
    default = {"port": given.get("port")}
    if len(every) == 1:
        [(host, port)] = every
        return {"host": host, "port": port or given.get("port"), "several": ()}
    return {"host": None, "several": tuple(every), **default}


def absolute_sqlite(url: ConnectionURL, base_dir: Path | None) -> ConnectionURL:
    """A SQLite URL whose file path is absolute; any other URL unchanged (contract C3.12)."""
    if url.backend != "sqlite" or url.is_memory or url.database is None:
        return url
    if url.database.startswith("file:"):
        raise URLError("SQLite `file:` URIs are not supported", "write the path itself: sqlite+aiosqlite:///./app.db")
    path = os.path.expanduser(url.database)  # noqa: PTH111 - Path.expanduser raises for an unknown user
    if "\0" in path:
        raise URLError("a path cannot hold a NUL character", "write it as sqlite+aiosqlite:///./app.db")
    try:
        # One file has one path, however it is spelt: writers of it queue up by this text.
        # `/` keeps an absolute path as it is; the working directory is asked for only where it is needed.
        place = base_dir / path if base_dir is not None else Path(path).absolute()
        return replace(url, database=os.path.realpath(place))
    except FileNotFoundError:
        raise URLError(
            "the working directory is gone, so a relative path leads nowhere",
            "write the whole path: sqlite+aiosqlite:////var/lib/app/app.db",
        ) from None


def build_url(text: DatabaseURL | None, parts: Mapping[str, object]) -> ConnectionURL:
    """The one address that a profile's URL and parts make together.

    Raises:
        URLError: the URL or the driver cannot be used.
    """
    if text is None:
        driver = parts.get("driver")
        if driver is None:
            raise URLError("neither database_url nor driver is given", 'database_url = "sqlite+aiosqlite:///./app.db"')
        full = resolve_driver(str(driver))
        url = ConnectionURL(full, derived=full != driver)
        return absolute_sqlite(join_parts(url, {**parts, "driver": None}), None)
    url = join_parts(parsed(text), parts)
    return absolute_sqlite(url, text.base_dir)


def invalid_url(error: URLError, place: str, key: tuple[str, ...]) -> InvalidDatabaseURLError:
    """The public exception for a URL that cannot be used."""
    return InvalidDatabaseURLError([Problem(place, format_key(key), error.message, fix=error.fix, kind="invalid_url")])
