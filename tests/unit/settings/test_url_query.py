"""What stands behind the `?` of a URL: several hosts of PostgreSQL, and options that are each said once (C2, C11.1)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from myfy_data.engines.connect.connect_errors import address_of
from myfy_data.engines.postgresql.backend import PORT, postgresql_arguments
from myfy_data.redaction import DatabaseURL
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.urls import URLError, build_url, parse_url

Hosts = list[tuple[str | None, int | None]]

SEVERAL: list[tuple[str, Hosts]] = [
    ("?host=a:5432&host=b:5433", [("a", 5432), ("b", 5433)]),
    ("?host=a&host=b", [("a", None), ("b", None)]),
    ("?host=a&host=b:1", [("a", None), ("b", 1)]),
    ("?host=a:1,b:2", [("a", 1), ("b", 2)]),
    ("?host=a,b&port=1,2", [("a", 1), ("b", 2)]),
    ("?host=a&host=b&port=1&port=2", [("a", 1), ("b", 2)]),
    ("?host=a,b&port=7", [("a", 7), ("b", 7)]),
    ("?host=[::1]:1&host=::1&host=[fe80::1]", [("::1", 1), ("::1", None), ("fe80::1", None)]),
    ("?host=/run/postgresql&host=b", [("/run/postgresql", None), ("b", None)]),
    ("?host=a:1&x=1&host=b:2&host=c:3", [("a", 1), ("b", 2), ("c", 3)]),
]


@pytest.mark.parametrize(("query", "hosts"), SEVERAL)
def test_every_host_that_is_written_is_there(query: str, hosts: Hosts) -> None:
    assert list(parse_url(f"postgresql://app@/d{query}").hosts) == hosts


@pytest.mark.parametrize(("query", "hosts"), SEVERAL)
def test_a_url_that_is_shown_says_the_same(query: str, hosts: Hosts) -> None:
    assert list(parse_url(str(parse_url(f"postgresql://app@/d{query}"))).hosts) == hosts


@pytest.mark.parametrize(
    "query", ["?host=a:5432&host=b:5433", "?host=a:1&host=b:2&host=c:3", "?host=a,b&port=1,2", "?host=a:7"]
)
def test_several_hosts_are_read_as_sqlalchemy_reads_them(query: str) -> None:
    url = f"postgresql+asyncpg://app@/d{query}"
    dialect: Any = PGDialect_asyncpg  # it has no types
    _, theirs = dialect().create_connect_args(make_url(url))

    ours = postgresql_arguments(DatabaseSettings(database_url=url))

    as_lists = {key: value if isinstance(value, list) else [value] for key, value in ours.items()}
    assert as_lists["host"] == [*([theirs["host"]] if isinstance(theirs["host"], str) else theirs["host"])]
    ports = theirs.get("port")
    assert as_lists["port"] == [port or PORT for port in (ports if isinstance(ports, list) else [ports])]


def test_the_port_before_the_question_mark_is_for_those_without_one() -> None:
    url = parse_url("postgresql://app@/d?host=a:1&host=b")

    assert list(build_url(DatabaseURL(url_of(url)), {"port": 9}).hosts) == [("a", 1), ("b", 9)]


def url_of(url: object) -> str:
    return str(url)


def test_one_host_in_the_query_is_no_list() -> None:
    arguments = postgresql_arguments(DatabaseSettings(database_url="postgresql://app@/d?host=a:7"))

    assert (arguments["host"], arguments["port"]) == ("a", 7)


@pytest.mark.parametrize(
    ("parts", "hosts"),
    [
        ({"host": "c"}, [("c", None)]),
        ({"host": "c", "port": 5}, [("c", 5)]),
        ({"query": {"host": "c:1,d:2"}}, [("c", 1), ("d", 2)]),
    ],
)
@pytest.mark.parametrize("text", ["postgresql://app@/d?host=a:1&host=b:2", "postgresql://app@a:1/d"])
def test_a_part_replaces_every_host_of_the_url(text: str, parts: dict[str, object], hosts: Hosts) -> None:
    given = [(host, port or (1 if "//app@a" in text and "query" not in parts else None)) for host, port in hosts]

    assert list(build_url(DatabaseURL(text), parts).hosts) == given


def test_hosts_come_from_parts_alone() -> None:
    settings = DatabaseSettings(driver="postgresql", database="d", query={"host": "a:1,b:2"})

    assert postgresql_arguments(settings)["host"] == ["a", "b"]


@pytest.mark.parametrize(
    ("hosts", "local"),
    [("host=localhost&host=127.0.0.1:1", True), ("host=localhost&host=db", False), ("host=db&host=localhost", False)],
)
def test_several_hosts_are_this_machine_when_each_is(hosts: str, local: bool) -> None:
    assert parse_url(f"postgresql://app@/d?{hosts}").is_loopback is local


def test_an_error_names_every_host() -> None:
    assert address_of(parse_url("postgresql://app@/d?host=a:1&host=b"), PORT) == "a:1, b:5432"


REFUSED = [
    ("postgresql://app@/d?target_session_attrs=any&target_session_attrs=primary", "says 'target_session_attrs' twice"),
    ("postgresql://app@/d?a=1&b=2&a=1", "says 'a' twice"),
    ("mysql://app@h/d?charset=utf8&charset=latin1", "says 'charset' twice"),
    ("mysql://app@/d?host=a&host=b", "says 'host' twice"),
    ("sqlite:///x.db?cached_statements=1&cached_statements=2", "says 'cached_statements' twice"),
    ("postgresql://app@/d?sslmode=require&sslmode=disable", "says 'sslmode' twice"),
    ("postgresql://app@/d?sslmode=require&ssl=disable", "says twice what TLS is wanted: sslmode and ssl"),
    ("postgresql://app@h/d?host=a&host=b", "hosts stand before and behind the '?'"),
    ("postgresql://app@/d?host=a:1&host=b:2&port=3", "do not fit"),
    ("postgresql://app@/d?host=a,b,c&port=1,2", "do not fit"),
    ("postgresql://app@/d?host=a:x&host=b", "the port is not a number"),
    ("postgresql://app@/d?host=a,b&port=1,x", "the port is not a number"),
    ("postgresql://app@/d?host=a&host=", "a host of the query is empty"),
    ("postgresql://app@/d?host=a,,b", "a host of the query is empty"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_nothing_that_is_written_is_dropped_in_silence(text: str, message: str) -> None:
    with pytest.raises(URLError, match=message.replace("?", r"\?")) as caught:
        parse_url(text)

    assert caught.value.fix


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"host": "a", "query": {"host": "b"}}, "the host is given twice"),
        ({"query": {"host": "a:x,b"}}, "the port is not a number"),
    ],
)
def test_parts_that_cannot_be_meant_are_refused(parts: dict[str, object], message: str) -> None:
    with pytest.raises(URLError, match=message):
        build_url(None, {"driver": "postgresql", "database": "d", **parts})
