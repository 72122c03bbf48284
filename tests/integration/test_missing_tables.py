"""The error of a missing table says where the migrations stand, and asks only once (contract C8)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import DataModule
from myfy_data.migrations import runner
from tests.databases import PERSISTENT
from tests.migrating import MigratedProject, apart, migrated
from tests.sandbox import Sandbox

UPGRADE = "fix: myfy-data db upgrade --profile main"


@pytest.fixture(params=PERSISTENT)
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main=request.param) as app:
        app.revision("001", 'op.create_table("users", sa.Column("id", sa.Integer), sa.Column("name", sa.String(20)))')
        yield app


def notes(app: MigratedProject, *statements: str, **options: object) -> list[str]:
    """What is added to the error of each statement, in one application."""

    async def run() -> list[str]:
        said = []
        async with DataModule(settings=app.sandbox.load(), **options) as data:  # type: ignore[arg-type]  # as the call says
            for statement in statements:
                with pytest.raises(DBAPIError) as caught:
                    async with data.session() as session:
                        await session.execute(text(statement))
                said.append("\n".join(getattr(caught.value, "__notes__", [])))
        return said

    return apart(lambda: asyncio.run(run()))


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM users", "INSERT INTO users (id) VALUES (1)", "UPDATE users SET id = 1", "DROP TABLE users"],
)
def test_a_missing_table_leads_to_the_upgrade(app: MigratedProject, statement: str) -> None:
    if statement.startswith("DROP") and "mysql" in app.urls["main"]:
        statement = "DELETE FROM users"  # MySQL calls it an unknown table

    [note] = notes(app, statement)

    assert f"profile 'main': the database is at base, and head is 001\n  {UPGRADE}" == note


def test_the_fix_makes_the_statement_work(app: MigratedProject) -> None:
    [note] = notes(app, "SELECT * FROM users")

    assert app.db(*note.partition("myfy-data db ")[2].split()).returncode == 0
    assert app.rows("SELECT * FROM users") == []


@pytest.mark.parametrize("statement", ["SELECT age FROM users", "INSERT INTO users (age) VALUES (1)"])
def test_a_missing_column_does_too(app: MigratedProject, statement: str) -> None:
    app.upgrade()
    app.revision("002", 'op.add_column("users", sa.Column("age", sa.Integer))', parent="001")

    [note] = notes(app, statement)

    assert note == f"profile 'main': the database is at 001, and head is 002\n  {UPGRADE}"


def test_at_head_a_revision_is_what_is_missing(app: MigratedProject) -> None:
    app.upgrade()

    [note] = notes(app, "SELECT * FROM orders")

    assert "at head (001), so no revision makes it" in note
    assert "fix: myfy-data db revision --profile main -m MESSAGE" in note


def test_any_other_error_is_left_alone(app: MigratedProject) -> None:
    assert notes(app, "SELEC 1") == [""]


def test_it_is_asked_once_and_logged_once(
    app: MigratedProject, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[object] = []
    read = runner.read_current

    async def counted(*arguments: object) -> object:
        nonlocal asked
        asked += [arguments] if len(arguments) == 1 else []  # it calls itself with an engine
        return await read(*arguments)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(runner, "read_current", counted)
    caplog.set_level(logging.WARNING, "myfy_data")

    first, second = notes(app, "SELECT * FROM users", "SELECT * FROM users")

    assert (first, len(asked)) == (second, 1)
    assert [UPGRADE in record.getMessage() for record in caplog.records].count(True) == 1


def test_a_question_that_fails_leaves_the_error_as_it_was(app: MigratedProject) -> None:
    (app.sandbox.path / "migrations/main/env.py").write_text("raise SystemError('no')\n")

    assert notes(app, "SELECT * FROM users") == [""]


def test_without_migrations_both_ways_are_told(project: Sandbox) -> None:
    app = MigratedProject(project, {"main": "sqlite:///main.db"})

    [note] = notes(app, "SELECT * FROM users")

    assert "and auto_create_tables is off" in note
    assert "fix: myfy-data db init --profile main" in note
    assert notes(app, "SELECT * FROM users", auto_create_tables=True, metadata=__import__("sqlalchemy").MetaData()) == [
        ""
    ]
