"""A downgrade that MySQL could not roll back: nothing is called "at head" until it is finished (contract C8)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy.exc import DBAPIError

from myfy_data import DataModule, MigrationError
from tests.migrating import MigratedProject, apart, migrated
from tests.sandbox import Sandbox

DOWN = 'op.drop_table("b")\nop.drop_table("nope")\nop.drop_table("a")'


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="mysql") as app:
        app.revision("001", 'table("a")\ntable("b")', DOWN)
        app.upgrade()
        assert app.db("downgrade", "-1").returncode == 1
        yield app


def test_nothing_says_that_it_is_at_head(app: MigratedProject) -> None:
    done = {word: app.db(word) for word in ("check", "upgrade", "current")}

    assert (done["check"].returncode, done["upgrade"].returncode) == (1, 1)
    assert "between two revisions: downgrade 001 was begun by process" in done["check"].stdout
    assert "half done" in done["current"].stdout
    assert "DROP TABLE b" in done["upgrade"].stderr


@pytest.mark.parametrize("policy", ["check", "upgrade"])
def test_an_application_does_not_start_on_it(app: MigratedProject, policy: str) -> None:
    async def start() -> None:
        async with DataModule(settings=app.sandbox.load(), migrations=policy):  # type: ignore[arg-type] - a parametrized word
            pass

    with pytest.raises(MigrationError, match="downgrade 001 was begun by process"):
        apart(lambda: asyncio.run(start()))


def test_no_other_revision_runs_on_what_it_left(app: MigratedProject) -> None:
    app.revision("002", 'table("c")', 'op.drop_table("c")', parent="001")

    refused = app.db("upgrade")

    assert refused.returncode == 1
    assert "downgrade 001 was begun by process" in refused.stderr
    assert "DROP TABLE b" in refused.stderr
    assert "c" not in app.tables()


def test_it_is_finished_as_the_fix_says(app: MigratedProject) -> None:
    told = app.db("check").stdout
    path = app.sandbox.path / "migrations/main/versions/001.py"
    path.write_text(path.read_text().replace('op.drop_table("nope")', 'op.execute("SELECT 1")'))
    fix = told.partition("finish it: myfy-data db ")[2].split()

    done = app.db(*fix)

    assert done.returncode == 0, done.stderr
    assert app.tables() == {"alembic_version"}
    assert app.db("current").stdout.split()[1] == "base"


def test_stamping_says_that_it_was_mended_by_hand(app: MigratedProject) -> None:
    app.change("CREATE TABLE b (id INT)")

    done = app.db("stamp", "001")

    assert done.stdout.split()[1] == "stamped"
    assert "downgrade 001 was begun by process" in done.stdout
    assert "half done" not in app.db("current").stdout
    assert app.db("stamp", "001").stdout.split()[1:3] == ["nothing", "to"]


def test_a_failed_downgrade_is_told_as_one(app: MigratedProject) -> None:
    failed = app.db("downgrade", "-1").stderr

    assert "undoing revision 001 failed: " in failed
    assert "1 statement of undoing 001 ran and stay (this database cannot roll DDL back):\n      DROP TABLE b" in failed


# -- a statement that got no answer in time ----------------------------------------------------------------------------

SLOW = {
    "postgresql": 'table("a")\nop.execute("SELECT pg_sleep(20)")',
    "mysql rows": 'table("a")\nop.execute("INSERT INTO a SELECT SLEEP(20)")',
    "mysql ddl": 'table("a")\nop.execute("CREATE TABLE c AS SELECT SLEEP(20) AS x")',
}
TOLD = {
    "postgresql": ["nothing of 001 is in the database: it was rolled back"],
    "mysql rows": [
        "the statement that got no answer is not among them: the server rolls it back",
        "1 statement of 001 ran and stay (this database cannot roll DDL back):",
    ],
    "mysql ddl": [
        "no answer came to the last of these: it may have run, or the server may still be at it",
        "2 statements of 001 ran and stay (this database cannot roll DDL back):",
    ],
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind.partition(" ")[0])) for kind in SLOW]
)
def test_what_a_statement_without_an_answer_left_is_told(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind.partition(" ")[0]) as app:
        app.revision("001", SLOW[kind])

        error = app.failure(command_timeout=0.5)

        assert error.reason == "revision 001 failed: no answer within 0.5 s; the server may still be at it"
        assert list(error.facts[: len(TOLD[kind])]) == TOLD[kind]
        end_what_sleeps(app, kind)


def end_what_sleeps(app: MigratedProject, kind: str) -> None:
    """End the server's session that is still at it, before its database goes."""
    if kind == "postgresql":
        app.change(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return
    found = app.rows("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE '%SLEEP(20)%'")
    for (session,) in found:
        with suppress(DBAPIError):  # our own question holds these words, too
            app.change(f"KILL {session}")
