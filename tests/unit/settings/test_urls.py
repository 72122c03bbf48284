"""Database URLs are taken apart as SQLAlchemy takes them apart, and refused in words (contract C9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL, make_url

from myfy_data.settings.urls import SUPPORTED, URLError, parse_url, resolve_driver

WORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
SERVERS = [name for name in SUPPORTED if not name.startswith("sqlite")]


@given(
    st.sampled_from(SERVERS),
    st.none() | WORDS,
    st.none() | WORDS,
    st.sampled_from(["localhost", "db.internal", "10.0.0.1", "::1"]),
    st.none() | st.integers(1, 65535),
    st.none() | st.from_regex(r"[a-z_]{1,10}", fullmatch=True),
)
def test_a_url_of_sqlalchemy_is_read_back(
    driver: str, username: str | None, password: str | None, host: str, port: int | None, database: str | None
) -> None:
    made = URL.create(driver, username, password if username else None, host, port, database)

    read = parse_url(made.render_as_string(hide_password=False))

    assert (read.driver, read.username, read.host, read.port) == (driver, username, host, port)
    assert (read.password.reveal() if read.password else None) == (password if username else None)
    assert read.database == database


@given(
    st.from_regex(
        r"(postgresql|mysql)://([a-z]{1,5}(:[a-z0-9%./?]{0,6})?@)?[a-z.]{1,8}(:[1-9][0-9]{0,3})?(/[a-z]{0,5})?",
        fullmatch=True,
    )
)
def test_a_url_is_read_as_sqlalchemy_reads_it(text: str) -> None:
    try:
        theirs = make_url(text)
        ours = parse_url(text)
    except (URLError, ValueError):
        return

    assert (ours.username, ours.host, ours.port) == (theirs.username or None, theirs.host, theirs.port)
    assert (ours.password.reveal() if ours.password else None) == theirs.password
    assert ours.database == (theirs.database or None)


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        parse_url(text)
    except URLError as error:
        refusal = error
    else:
        return

    assert refusal.message
    assert refusal.fix


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("postgres", "postgresql+asyncpg"),
        ("postgresql", "postgresql+asyncpg"),
        ("mysql", "mysql+aiomysql"),
        ("mariadb", "mariadb+aiomysql"),
        ("sqlite", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite", "sqlite+aiosqlite"),
    ],
)
def test_a_short_name_gets_its_async_driver(name: str, driver: str) -> None:
    assert resolve_driver(name) == driver
    assert parse_url(f"{name}://").derived is (name != driver)


@pytest.mark.parametrize(
    ("text", "told", "fix"),
    [
        (
            "oracle://h/d",
            "'oracle' is no supported driver; supported: sqlite+aiosqlite, postgresql+asyncpg",
            "use one of",
        ),
        ("postgresql+psycopg2://h/d", "'postgresql+psycopg2' is no supported driver", "write postgresql+asyncpg"),
        ("postgressql://h/d", "'postgressql' is no supported driver", "write postgresql+asyncpg in its place"),
        ("h/d", "not a database URL", "write it as postgresql+asyncpg://"),
        ("", "not a database URL", "write it as"),
        ("postgresql://u:p@ss@h/d", "the password seems to hold '@'", "write %40"),
        ("postgresql://u/p:x@h/d", "there is an '@' behind a '/'", "write %2F"),
        ("postgresql://u/p@h/d", "there is an '@' behind a '/'", "write %2F"),
        ("postgresql:///u:p@h/d", "there is an '@' behind a '/'", "write %2F"),
        ("postgresql://u?p:x@h/d", "there is an '@' behind a '?'", "write %3F"),
        ("postgresql://u:p@h:x/d", "the port is not a number from 1 to 65535", "write it as host:5432"),
        ("postgresql://u:p@h:0/d", "the port is not a number", ""),
        ("postgresql://u:p@h:65536/d", "the port is not a number", ""),
        ("postgresql://u:p@h:٣/d", "the port is not a number", ""),
        ("sqlite://x.db", "a SQLite URL has three slashes before the path", "sqlite+aiosqlite:///./x.db"),
        ("sqlite:x.db", "not a database URL", "write it as sqlite+aiosqlite:///./x.db"),
        ("file:x.db", "not a database URL", "write it as sqlite+aiosqlite:///./x.db"),
        ("jdbc:mysql://h/d", "is no supported driver", "write mysql+aiomysql in its place"),
        ("jdbc:mariadb://h/d", "is no supported driver", "write mariadb+aiomysql in its place"),
        ("postgresql://h/d?password=x", "a secret in the URL (password=...)", "password_file"),
        ("postgresql://h/d#password=x", "a secret in the URL (password=...)", "password_file"),
        ("mysql://u@h/d;user=u;Password=x", "a secret in the URL (Password=...)", "password_file"),
        ("postgresql://h;password=x", "a secret in the URL (password=...)", "password_file"),
        ("postgresql://h/d?application_name=a#token=x", "a secret in the URL (token=...)", "password_file"),
    ],
)
def test_what_cannot_be_used_is_told_with_the_fix(text: str, told: str, fix: str) -> None:
    with pytest.raises(URLError) as caught:
        parse_url(text)

    assert told in caught.value.message
    assert fix in caught.value.fix


def test_a_sqlite_path_and_a_quoted_name_may_hold_an_at_sign() -> None:
    assert parse_url("sqlite:////srv/a@b/x.db").database == "/srv/a@b/x.db"
    assert parse_url("postgresql://u:p@h/a%40b").database == "a@b"


@pytest.mark.parametrize(
    ("text", "tls"),
    [
        ("postgresql://h/d", None),
        ("postgresql://h/d?sslmode=require", "require"),
        ("postgresql://h/d?sslmode=allow", "prefer"),
        ("mysql://h/d?ssl=disable", "disable"),
    ],
)
def test_tls_is_taken_out_of_the_query(text: str, tls: str | None) -> None:
    url = parse_url(f"{text}{'&' if '?' in text else '?'}a=1")

    assert (url.tls, dict(url.query)) == (tls, {"a": "1"})


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("postgresql://localhost/d", True),
        ("postgresql://127.0.0.9/d", True),
        ("postgresql://[::1]/d", True),
        ("postgresql:///d", True),
        ("postgresql:///d?host=/run/postgresql", True),
        ("mysql:///d?unix_socket=/run/mysql.sock", True),
        ("postgresql://db/d", False),
        ("postgresql:///d?host=db", False),
    ],
)
def test_this_machine_is_known(text: str, loopback: bool) -> None:
    assert parse_url(text).is_loopback is loopback


@pytest.mark.parametrize("text", ["$DATABASE_URL", "${DATABASE_URL}", "$(DATABASE_URL)", "%DATABASE_URL%"])
def test_a_variable_that_nothing_filled_in_is_named(text: str) -> None:
    with pytest.raises(URLError) as caught:
        parse_url(text)

    assert (caught.value.variable, caught.value.fix) == ("DATABASE_URL", 'database_url = "${DATABASE_URL}"')


@pytest.mark.parametrize("text", ["$hunter2", "${hunter2}", "%hunter2%", "sqlite://app:hunter2/x", "sqlite:hun ter2"])
def test_what_may_be_a_password_is_not_named(text: str) -> None:
    with pytest.raises(URLError) as caught:
        parse_url(text)

    assert "ter2" not in caught.value.message + caught.value.fix + caught.value.variable
