"""A downgrade that MySQL could not roll back: nothing is called "at head" until it is finished (contract C8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from myfy_data import DataModule, MigrationError
from tests.clock import deadline_of
from tests.migrating import MigratedProject, apart, migrated, wait_until
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
    "postgresql": 'table("a")\nop.execute("SELECT pg_sleep(600)")',
    "mysql rows": 'table("a")\nop.execute("INSERT INTO a SELECT SLEEP(600)")',
    "mysql ddl": 'table("a")\nop.execute("CREATE TABLE c AS SELECT SLEEP(600) AS x")',
}
AT_WORK = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)%'"
    " AND datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%'"
    " AND db = DATABASE() AND id <> CONNECTION_ID()",
}
END = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
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


DEADLINE = 60.0
RUN_OUT: list[Callable[[], object]] = []


def note_deadline() -> None:
    """Called by a revision: from now on, a test can let the time of a statement of its loop be over."""
    RUN_OUT.append(partial(asyncio.get_running_loop().call_soon_threadsafe, deadline_of(DEADLINE)))


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind.partition(" ")[0])) for kind in SLOW]
)
def test_what_a_statement_without_an_answer_left_is_told(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    backend = kind.partition(" ")[0]
    RUN_OUT.clear()
    with migrated(project, request, main=backend) as app, ThreadPoolExecutor(1) as thread:
        app.revision("001", f"from {__name__} import note_deadline\nnote_deadline()\n{SLOW[kind]}")

        failing = thread.submit(app.failure, command_timeout=DEADLINE)
        wait_until(lambda: failing.done() or app.rows(AT_WORK[backend]) != [])
        for run_out in RUN_OUT:
            run_out()
        error = failing.result()

        assert error.reason == "revision 001 failed: no answer within 60 s; the server may still be at it"
        assert list(error.facts[: len(TOLD[kind])]) == TOLD[kind]
        for (session,) in app.rows(AT_WORK[backend]):  # before its database goes
            app.change(END[backend].format(session))
