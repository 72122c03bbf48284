"""A process that is killed in the middle of an upgrade: the next run explains what it finds, and goes on (issue 4)."""

from __future__ import annotations

import asyncio

import pytest

from myfy_data import MigrationError
from myfy_data.migrations.commands import stamp
from tests.databases import PERSISTENT
from tests.migrating import MigratedProject, apart, migrated
from tests.sandbox import Sandbox

HALF = """\
table("b")
op.execute("INSERT INTO b (id) VALUES (7)")
table("c")
note("half")
while "go" not in NOTES.read_text():
    time.sleep(0.02)
table("d")
"""
DOWN = 'for name in "bcd":\n    op.drop_table(name)'


def kill_in_the_middle(app: MigratedProject) -> None:
    app.revision("001", 'table("a")', 'op.drop_table("a")')
    app.revision("002", HALF, DOWN, parent="001")
    app.revision("003", 'table("e")', 'op.drop_table("e")', parent="002")
    with app.killed("half", "upgrade"):
        app.notes.write_text("go\n")


@pytest.mark.parametrize("kind", PERSISTENT)
def test_the_next_run_explains_and_goes_on(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main=kind) as app:
        kill_in_the_middle(app)

        report = app.upgrade()

        assert (report.before, report.after, report.revisions) == (("001",), ("003",), ("002", "003"))
        assert "upgrade 002 was begun by process" in report.notes[0]
        how = "it goes on where that one stopped, with statement 3" if kind == "mysql" else "rolled all of it back"
        assert how in report.notes[0]
        assert app.tables() == {"a", "b", "c", "d", "e", "alembic_version"}
        assert app.rows("SELECT id FROM b") == [(7,)]


@pytest.mark.parametrize("kind", PERSISTENT)
def test_what_a_killed_run_left_is_shown(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main=kind) as app:
        kill_in_the_middle(app)

        found = apart(app.manager().current)

        assert (found.current, found.heads, found.is_at_head) == (("001",), ("003",), False)
        assert "upgrade 002 was begun by process" in found.interrupted


def test_mysql_goes_on_before_a_statement_that_did_not_run(
    project: Sandbox, request: pytest.FixtureRequest, mysql_url: str
) -> None:
    with migrated(project, request, main="mysql") as app:
        kill_in_the_middle(app)
        app.change("DROP TABLE c")

        assert app.upgrade().after == ("003",)
        assert "c" in app.tables()


def test_mysql_refuses_to_go_the_other_way_from_the_middle(
    project: Sandbox, request: pytest.FixtureRequest, mysql_url: str
) -> None:
    with migrated(project, request, main="mysql") as app:
        kill_in_the_middle(app)

        with pytest.raises(MigrationError, match="cannot be rolled back by this database") as caught:
            apart(lambda: app.manager().downgrade("base"))

        assert any("INSERT INTO b" in fact for fact in caught.value.facts)
        assert app.upgrade().after == ("003",)


def test_mysql_refuses_to_go_on_with_another_revision_than_the_one_it_began(
    project: Sandbox, request: pytest.FixtureRequest, mysql_url: str
) -> None:
    with migrated(project, request, main="mysql") as app:
        kill_in_the_middle(app)
        app.revision("002", HALF.replace('table("b")', 'table("other")'), DOWN, parent="001")

        error = app.failure()

        assert "revision 002 is no longer the one" in error.reason
        assert "statement 1 was: CREATE TABLE b" in error.reason


def test_stamping_settles_what_was_left_in_the_middle(
    project: Sandbox, request: pytest.FixtureRequest, mysql_url: str
) -> None:
    with migrated(project, request, main="mysql") as app:
        kill_in_the_middle(app)
        app.change("DROP TABLE b", "DROP TABLE c")

        apart(lambda: asyncio.run(stamp(app.manager().target, "001")))

        assert app.upgrade().notes == ()
