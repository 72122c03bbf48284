"""`doctor` looks at how SQLite keeps its journal, and at what a set-up lacks before a server is asked (C12.6)."""

from __future__ import annotations

import os
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from myfy_data.cli.app import main
from myfy_data.cli.doctor import files
from tests.integration.test_doctor import look, told, write
from tests.sandbox import Sandbox


@pytest.fixture
def database(project: Sandbox) -> Iterator[sqlite3.Connection]:
    """A database with a row, in the journal mode that SQLite begins with."""
    with closing(sqlite3.connect(project.path / "app.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES ('a')")
        yield connection


def follow(fix: str) -> None:
    """Do with SQLite what its own program does with the words of a fix."""
    program, path, statement = shlex.split(fix)
    assert program == "sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)


def test_a_log_that_no_checkpoint_has_ended(
    project: Sandbox, database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "GROWN", 8192)
    write(project, "sqlite:///app.db")
    database.execute("PRAGMA journal_mode = wal")
    with closing(sqlite3.connect(project.path / "app.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        for _ in range(10):
            database.execute("INSERT INTO notes VALUES (zeroblob(4096))")
        status, fix = told(project, "journal")
        reader.execute("COMMIT")

    assert status == "warn"
    follow(fix)
    assert told(project, "journal") == ("ok", "")


def test_a_log_of_which_nothing_waits_is_not_said_to_wait(
    project: Sandbox, database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "sqlite:///app.db")
    database.execute("PRAGMA journal_mode = wal")
    database.execute("INSERT INTO notes VALUES (zeroblob(1048576))")
    assert database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0] == 0
    small = look(project, "journal")
    monkeypatch.setattr(files, "GROWN", 8192)
    grown = look(project, "journal")

    assert small is not None
    assert (small.status, small.message) == ("ok", "journal_mode wal, its log has 1.0 MiB")
    assert grown is not None
    assert (grown.status, "1 MiB, and SQLite makes it no smaller" in grown.message) == ("warn", True)
    follow(grown.fix)
    assert (project.path / "app.db-wal").stat().st_size == 0


def test_a_log_that_goes_while_it_is_looked_at(
    project: Sandbox, database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "sqlite:///app.db")
    database.execute("PRAGMA journal_mode = wal")
    measure = Path.stat

    def go(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == "app.db-wal":
            path.unlink(missing_ok=True)  # what the last one who closes the database does
        return measure(path, follow_symlinks=follow_symlinks)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", lambda _: True)
        patch.setattr(Path, "stat", go)
        status = told(project, "journal")

    assert status == ("ok", "")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("shut", ["app.db", "."])
def test_a_file_that_nobody_writes_is_read_without_a_log(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, shut: str
) -> None:
    write(project, "sqlite:///app.db", "read_only = true\n")
    allowed, place = os.access, project.path / shut

    def access(path: Path, mode: int) -> bool:  # rights alone shut nothing to root
        return allowed(path, mode) and not (mode == os.W_OK and Path(path).samefile(place))

    monkeypatch.setattr(os, "access", access)

    assert told(project, "journal") == ("ok", "")


def test_a_file_without_a_log_is_not_mended_by_who_only_reads(project: Sandbox, database: sqlite3.Connection) -> None:
    assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    write(project, "sqlite:///app.db", "read_only = true\n")
    status, fix = told(project, "journal")

    assert status == "warn"
    database.close()
    follow(fix)
    assert told(project, "journal") == ("ok", "")
    with closing(sqlite3.connect(f"{(project.path / 'app.db').as_uri()}?mode=ro", uri=True)) as reader:
        assert reader.execute("SELECT text FROM notes").fetchall() == [("a",)]


@pytest.mark.usefixtures("database")
def test_who_writes_begins_the_log(project: Sandbox) -> None:
    write(project, "sqlite:///app.db")

    assert told(project, "journal") == ("ok", "")


def test_a_file_that_is_empty_is_not_judged(project: Sandbox) -> None:
    project.write("app.db", "")
    write(project, "sqlite:///app.db", "read_only = true\n")

    assert told(project, "journal")[0] == "ok"


def test_a_driver_whose_own_import_fails_is_not_called_absent(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken: Path = tmp_path_factory.mktemp("broken")
    (broken / "aiomysql.py").write_text("from pymysql import what_a_later_release_took_away\n", encoding="utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "aiomysql"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(broken))
    write(project, "mysql://app@127.0.0.1/shop")
    finding = look(project, "driver")

    assert finding is not None
    assert finding.status == "fail"
    assert "not installed" not in finding.message
    assert "aiomysql" in finding.message
    assert finding.fix.startswith("pip install ")


def test_a_name_that_no_server_has(project: Sandbox) -> None:
    write(project, "postgresql://app@nowhere.invalid/shop")
    finding = look(project, "connection")

    assert finding is not None
    assert (finding.status, "nowhere.invalid" in f"{finding.message} {finding.fix}") == ("fail", True)


def test_an_environment_that_has_no_file(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "sqlite:///app.db")
    project.write("config/production.toml", "")

    assert main(["doctor", "--environment", "prodction"]) == 2
    assert "did you mean 'production'" in capsys.readouterr().err.lower()
