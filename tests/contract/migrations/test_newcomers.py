"""What a newcomer does wrong with revisions is told with what helps, and that helps when it is done (contract C8)."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PERSISTENT
from tests.migrating import MigratedProject, migrated
from tests.sandbox import Sandbox


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="sqlite") as app:
        app.revision("001", 'table("a")', 'op.drop_table("a")')
        app.revision("002", 'table("b")', 'op.drop_table("b")', parent="001")
        yield app


def fix_of(done: subprocess.CompletedProcess[str]) -> str:
    """The fix that a command printed."""
    assert done.returncode != 0
    return done.stderr.partition("fix: ")[2].strip()


def paste(app: MigratedProject, fix: str) -> subprocess.CompletedProcess[str]:
    """Run a fix that is a command of ours."""
    program, group, *words = shlex.split(fix)
    assert (program, group) == ("myfy-data", "db"), fix
    return app.db(*words)


# -- names of revisions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "leads"),
    [
        (("downgrade", "1"), "db downgrade -1 --profile main"),
        (("upgrade", "02"), "db upgrade +02 --profile main"),
        (("stamp", "0001"), "db stamp 001 --profile main"),
        (("upgrade", "first"), "db history --profile main"),
        (("downgrade", "-9"), "db history --profile main"),
        (("upgrade", "base:002"), "db upgrade base:002 --sql --profile main"),
        (("history", "-r", "nope:head"), "db history --profile main"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_name_that_is_none_leads_to_one_that_is(app: MigratedProject, typed: tuple[str, ...], leads: str) -> None:
    app.upgrade()

    refused = app.db(*typed)

    assert fix_of(refused) == f"myfy-data {leads}"
    assert app.rows("SELECT version_num FROM alembic_version") == [("002",)]
    if "+02" not in leads:  # nothing is left to run
        assert paste(app, fix_of(refused)).returncode == 0


def test_a_revision_of_the_database_is_told_apart_from_a_misspelt_one(app: MigratedProject) -> None:
    app.upgrade()
    (app.sandbox.path / "migrations/main/versions/002.py").unlink()

    assert "there is no revision '002'" in app.db("downgrade", "-1").stderr
    assert fix_of(app.db("downgrade", "-1")).startswith("deploy the code that has it; or")
    assert "purge" not in fix_of(app.db("downgrade", "nope"))


def test_profiles_in_one_word_are_told_by_those_that_are_there(app: MigratedProject) -> None:
    assert fix_of(app.db("upgrade", "--profile", "main,other")) == "name one of main"


# -- files of revisions ------------------------------------------------------------------------------------------------

EVERY = [("upgrade",), ("current",), ("check",), ("history",), ("merge",), ("revision", "-m", "x", "--empty")]


def change(app: MigratedProject, old: str, new: str) -> Path:
    """Change the file of revision 002."""
    path = app.sandbox.path / "migrations/main/versions/002.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_a_copied_revision_is_refused_not_left_out(app: MigratedProject, command: tuple[str, ...]) -> None:
    path = app.sandbox.path / "migrations/main/versions/002.py"
    copy = path.with_name("003.py")
    copy.write_text(path.read_text())

    refused = app.db(*command)

    assert "several files are revision 002" in refused.stderr
    assert fix_of(refused).startswith(f"delete {copy} if it is a copy")
    copy.unlink()
    assert "several files" not in app.db(*command).stderr


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_a_parent_that_is_not_there_is_named(app: MigratedProject, command: tuple[str, ...]) -> None:
    path = change(app, "down_revision = '001'", "down_revision = '0O1'")

    refused = app.db(*command)

    assert "revision 002 follows 0O1, which no file has" in refused.stderr
    assert fix_of(refused) == f"get the file of 0O1 back, or correct down_revision in {path}"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def upgrade():", "def upgrade(:", "SyntaxError: invalid syntax"),
        ("import sqlalchemy", "import sqlalchmy", "ModuleNotFoundError: No module named 'sqlalchmy'"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(app: MigratedProject, old: str, new: str, says: str) -> None:
    path = change(app, old, new)
    line = path.read_text().partition(new)[0].count("\n") + 1

    refused = app.db("upgrade")

    assert f"{path}, line {line}: {says}" in refused.stderr
    assert fix_of(refused) == f"correct {path}"


def test_a_circle_of_revisions_is_told(app: MigratedProject) -> None:
    change(app, "down_revision = '001'", "down_revision = '002'")

    assert "the revisions follow each other in a circle" in app.db("upgrade").stderr


# -- tables that are there ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PERSISTENT)
def test_tables_that_create_all_made_are_adopted_as_the_fix_says(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")')
        app.change("CREATE TABLE a (id INTEGER PRIMARY KEY)")

        fix = fix_of(app.db("upgrade")).partition("as from create_all: ")[2]

        assert paste(app, fix).returncode == 0
        assert app.db("upgrade").stdout.split()[1:3] == ["nothing", "to"]
