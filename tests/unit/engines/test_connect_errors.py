"""Failures in plain words, and driver errors that give nothing away."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from myfy_data.engines.connect.connect_errors import chain, explain_network, harmless, other_failure, target_of
from myfy_data.engines.mysql.backend import MySQL
from myfy_data.engines.mysql.session import session_statements
from myfy_data.engines.postgresql.backend import PostgreSQL
from myfy_data.engines.sqlite.backend import SQLite
from myfy_data.engines.sqlite.file_errors import explain_path
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings

POSTGRESQL = DatabaseSettings(database_url="postgresql://app:x@db:5432/main")
MYSQL = DatabaseSettings(database_url="mysql://app:x@db/main")


class Refusal(Exception):
    """An error as asyncpg raises it."""

    def __init__(self, sqlstate: str, text: str = "no") -> None:
        self.sqlstate = sqlstate
        super().__init__(text)


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Refusal("28P01"), "the server refuses user 'app' with this password"),
        (
            Refusal("28000", "no pg_hba.conf entry for host"),
            "the server lets nobody in like this: no pg_hba",
        ),
        (Refusal("3D000"), "there is no database 'main'"),
        (Refusal("53300"), "the server has no connection left"),
        (Refusal("57P03", "starting up"), "the server is not ready: starting up"),
        (Refusal("08P01", "unsupported startup parameter: jit"), "a pooler stands in between"),
        (Refusal("08003"), "db:5432 closed the connection or does not speak PostgreSQL's protocol"),
        (ConnectionResetError(), "db:5432 closed the connection or does not speak PostgreSQL's protocol"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), "nothing listens on db:5432"),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"), "nothing listens on db:5432"),
        (OSError(errno.EHOSTUNREACH, "no"), "there is no route to db:5432"),
        (FileNotFoundError(errno.ENOENT, "no"), "there is no socket for db:5432"),
        (socket.gaierror(-2, "no"), "the host name 'db' is unknown"),
        (TimeoutError(), "no answer within 10 s"),
        (ssl.SSLError(1, "no"), "the TLS handshake failed"),
    ],
)
def test_a_failure_of_postgresql_has_words_and_a_fix(error: BaseException, reason: str) -> None:
    failure = PostgreSQL("main", POSTGRESQL, {}).explain(error)

    assert failure is not None
    assert failure.reason.startswith(reason)
    assert failure.fix


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Exception(1045, "no"), "the server refuses user 'app' with this password"),
        (Exception(1044, "no"), "user 'app' may not use database 'main'"),
        (Exception(1049, "no"), "there is no database 'main'"),
        (Exception(1040, "no"), "the server has no connection left"),
        (Exception(2013, "no"), "db:3306 closed the connection"),
        (Exception("Packet sequence number wrong - got 80 expected 0"), "db:3306 does not speak MySQL's protocol"),
        (RuntimeError("'cryptography' package is required"), "this server's way to log in needs a package"),
        (caused(Exception(2003, "no"), ConnectionRefusedError(errno.ECONNREFUSED, "no")), "nothing listens on db:3306"),
        (caused(Exception(2003, "no"), socket.gaierror(-2, "no")), "the host name 'db' is unknown"),
    ],
)
def test_a_failure_of_mysql_has_words_and_a_fix(error: BaseException, reason: str) -> None:
    failure = MySQL("main", MYSQL, {}).explain(error)

    assert failure is not None
    assert failure.reason.startswith(reason)
    assert failure.fix


def test_a_password_that_was_never_given_is_asked_for() -> None:
    backend = PostgreSQL("main", DatabaseSettings(database_url="postgresql://app@db/main"), {})

    failure = backend.explain(Refusal("28P01"))

    assert failure is not None
    assert failure.reason.endswith("without a password")
    assert "password_file" in failure.fix


def test_tls_that_is_not_offered_is_told_only_to_those_who_asked_for_it() -> None:
    rejected = ConnectionError("PostgreSQL server rejected SSL upgrade")
    asked = PostgreSQL("main", POSTGRESQL.model_copy(update={"tls": "require"}), {}).explain(rejected)
    preferred = PostgreSQL("main", POSTGRESQL, {}).explain(rejected)

    assert asked is not None
    assert preferred is not None
    assert asked.reason == "db:5432 offers no TLS"
    assert "does not speak" in preferred.reason


def test_a_file_that_another_process_locks_is_told(tmp_path: Path) -> None:
    backend = SQLite("main", DatabaseSettings(database_url=f"sqlite:///{tmp_path}/app.db"), {})

    failure = backend.explain(sqlite3.OperationalError("database is locked"))

    assert failure is not None
    assert "[data.profiles.main.sqlite] busy_timeout = 30.0" in failure.fix


def permit(monkeypatch: pytest.MonkeyPatch, *allowed: int) -> None:
    """Let this process have only these rights; root has them all."""
    monkeypatch.setattr(os, "access", lambda _path, mode: mode in allowed)


def test_a_directory_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.db").touch()
    permit(monkeypatch, os.R_OK)

    failure = explain_path(tmp_path / "app.db", read_only=False)

    assert failure is not None
    assert failure.fix == f"chmod u+w {tmp_path}"


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.db").touch()
    permit(monkeypatch)

    failure = explain_path(tmp_path / "app.db", read_only=False)

    assert failure is not None
    assert failure.fix == f"chmod u+rw {tmp_path}/app.db"


def test_a_path_below_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    failure = explain_path(tmp_path / "file" / "app.db", read_only=False)

    assert failure is not None
    assert failure.reason == f"{tmp_path}/file is a file, not a directory"


# -- what driver errors may show -------------------------------------------------------------------------------


def raised(error: BaseException) -> BaseException:
    """An error with a frame whose variables hold the password."""

    def connect(password: str) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        connect("canary")
    return caught.value


def test_a_shown_error_has_no_frames_nor_has_what_it_came_from() -> None:
    error = caused(raised(RuntimeError("outer")), raised(ValueError("inner")))

    shown = harmless(error, Secret("canary"))

    assert shown is not None
    assert [item.__traceback__ for item in chain(shown)] == [None, None]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("cannot use password canary"),
        caused(RuntimeError("outer"), ValueError("canary")),
        UnicodeEncodeError("ascii", "€", 0, 1, "no"),
    ],
)
def test_an_error_that_holds_the_password_is_not_shown(error: Any) -> None:
    assert harmless(error, Secret("canary")) is None


def test_an_empty_password_hides_no_error() -> None:
    error = RuntimeError("no")

    assert harmless(error, Secret("")) is error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("two\n  lines"), "RuntimeError: two lines"),
        (RuntimeError("the canary sings"), "RuntimeError"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_failure_that_nobody_foresaw_is_one_line_without_the_password(error: Exception, reason: str) -> None:
    assert other_failure(error, Secret("canary")).reason == reason


def test_the_target_has_no_password() -> None:
    settings = DatabaseSettings(database_url="postgresql://app:canary@db/main?target_session_attrs=primary")

    assert target_of(settings.url) == "postgresql+asyncpg://app@db/main?target_session_attrs=primary"


def test_an_error_that_is_not_the_networks_is_left_to_others() -> None:
    assert explain_network(ValueError("no"), POSTGRESQL, "db:5432") is None


def server(version: str, capabilities: int = 0) -> Any:
    """A driver's connection, as far as it knows its server."""
    return SimpleNamespace(server_capabilities=capabilities, get_server_info=lambda: version)


# -- what MySQL sessions are told ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "statement"),
    [
        ("10.11.6-MariaDB", "SET SESSION max_statement_time = 1.500000"),
        ("8.0.36", "SET SESSION max_execution_time = 1500"),
    ],
)
def test_each_server_limits_statements_in_its_own_words(version: str, statement: str) -> None:
    settings = DatabaseSettings(database_url="mysql://db/main", statement_timeout=1.5)

    assert list(session_statements(settings, server(version))) == [statement]


def test_a_server_that_can_tells_what_became_of_a_transaction() -> None:
    settings = DatabaseSettings(database_url="mysql://db/main", statement_timeout=1.5)

    told = list(session_statements(settings, server("8.0.36", capabilities=0x800000)))

    tracked = "SESSION session_track_system_variables = 'autocommit,transaction_read_only,transaction_isolation'"
    assert told == [
        f"SET SESSION session_track_transaction_info = 'STATE', {tracked}, SESSION max_execution_time = 1500"
    ]


def test_a_read_only_profile_says_so_to_each_session() -> None:
    settings = DatabaseSettings(database_url="mysql://db/main", read_only=True)

    assert list(session_statements(settings, server("8.0.36"))) == ["SET SESSION TRANSACTION READ ONLY"]
