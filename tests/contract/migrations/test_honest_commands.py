"""`myfy-data db ...` says what is true and refuses what would be lost (contract C8, C14.1, C14.5)."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from myfy_data import ConfigError
from tests.databases import SERVERS
from tests.migrating import MigratedProject, migrated
from tests.sandbox import Sandbox

DOWN_FAILS = 'op.drop_table("a")\nop.drop_table("nope")'


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="sqlite") as app:
        yield app


def two(app: MigratedProject) -> None:
    app.revision("001", 'table("a")', 'op.drop_table("a")')
    app.revision("002", 'table("b")', 'op.drop_table("b")', parent="001")
    app.upgrade()


# -- what destroys data ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ["production", "prod", "LIVE"])
@pytest.mark.parametrize("revision", ["base", "-2", "002-2", "001-1", "head-2", "shop@base"])
def test_production_keeps_its_first_revision(app: MigratedProject, revision: str, environment: str) -> None:
    path = app.revision("001", 'table("a")', 'op.drop_table("a")')
    path.write_text(path.read_text().replace("branch_labels = None", "branch_labels = ('shop',)"))
    app.revision("002", 'table("b")', 'op.drop_table("b")', parent="001")
    app.upgrade()

    refused = app.db("downgrade", revision, "--environment", environment)

    assert refused.returncode == 2
    assert app.tables() == {"a", "b", "alembic_version"}
    assert "--yes-drop" in refused.stderr


def test_production_keeps_the_first_revision_of_each_branch(app: MigratedProject) -> None:
    two(app)
    app.revision("x01", 'table("x")', 'op.drop_table("x")')
    app.upgrade("heads")

    refused = app.db("downgrade", "x01@base", "--environment", "production")

    assert refused.returncode == 2
    assert {"a", "b", "x"} <= app.tables()


@pytest.mark.parametrize("words", [(), ("-x", "yes-drop=other.db")])
def test_alembics_own_command_keeps_it_too(app: MigratedProject, words: tuple[str, ...]) -> None:
    two(app)
    app.db("init", "--alembic-ini")
    app.sandbox.write("alembic.ini", "[alembic]\nscript_location = %(here)s/migrations/main\npath_separator = os\n")
    app.sandbox.setenv("MYFY_DATA_ENVIRONMENT", "production")

    refused = app.sandbox.python("-m", "alembic", *words, "downgrade", "base")
    done = app.sandbox.python("-m", "alembic", "-x", "yes-drop=main.db", "downgrade", "base")

    assert refused.returncode != 0
    assert "this is production" in refused.stdout
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", SERVERS)
def test_the_name_is_the_servers_name_of_the_database(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        two(app)
        name = str(make_url(app.urls["main"]).database)

        refused = app.db("downgrade", "base", "--environment", "production", "--yes-drop", "main")
        done = app.db("downgrade", "base", "--environment", "production", "--yes-drop", name)

        assert (refused.returncode, done.returncode) == (2, 0)
        assert f"--yes-drop {name}" in refused.stderr


@pytest.mark.parametrize("name", ["other.db", "main"])
def test_another_databases_name_does_not_open_it(app: MigratedProject, name: str) -> None:
    two(app)

    assert app.db("downgrade", "base", "--environment", "live", "--yes-drop", name).returncode == 2


def test_the_name_of_the_database_opens_it_as_the_fix_says(app: MigratedProject) -> None:
    two(app)
    refused = app.db("downgrade", "base", "--environment", "production")
    fix = refused.stderr.partition("fix: myfy-data db ")[2].split()

    done = app.db(*fix, "--environment", "production")

    assert done.returncode == 0, done.stderr
    assert app.tables() == {"alembic_version"}


@pytest.mark.parametrize(("revision", "environment"), [("-1", "production"), ("base", "development")])
def test_one_step_and_other_environments_run(app: MigratedProject, revision: str, environment: str) -> None:
    two(app)

    assert app.db("downgrade", revision, "--environment", environment).returncode == 0


def test_code_is_asked_too(app: MigratedProject, monkeypatch: pytest.MonkeyPatch) -> None:
    two(app)
    monkeypatch.setenv("MYFY_DATA_ENVIRONMENT", "production")
    manager = app.manager()

    with pytest.raises(ConfigError, match="this is production"):
        manager.downgrade("base")

    assert manager.downgrade("base", yes_drop=manager.target.database).after == ()


# -- heads, identifiers, messages --------------------------------------------------------------------------------------


def test_two_heads_are_merged_as_the_fix_says(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.revision("002", 'table("b")', parent="001")
    app.revision("003", 'table("c")', parent="001")
    refused = app.db("upgrade")
    fix = refused.stderr.partition("fix: myfy-data db ")[2].split()

    merged = app.db(*fix)

    assert merged.returncode == 0, merged.stderr
    assert app.db("upgrade").returncode == 0
    assert app.tables() == {"a", "b", "c", "alembic_version"}
    assert app.db("merge").stdout == "main: one head, so nothing was written\n"


def test_an_identifier_that_no_version_table_holds_is_refused(app: MigratedProject) -> None:
    refused = app.db("revision", "--empty", "-m", "x", "--rev-id", "x" * 33)

    assert refused.returncode == 1
    assert "33 characters" in refused.stderr
    assert app.db("revision", "--empty", "-m", "x", "--rev-id", "x" * 32).returncode == 0


@pytest.mark.parametrize("message", ["C:\\Users", '""" + x', "\\"])
@pytest.mark.parametrize("command", [("revision", "--empty"), ("merge",)])
def test_a_message_that_would_break_the_file_is_refused(
    app: MigratedProject, message: str, command: tuple[str, ...]
) -> None:
    refused = app.db(*command, "-m", message)

    assert refused.returncode == 1
    assert "the message would not survive" in refused.stderr
    assert not list(app.sandbox.path.glob("migrations/main/versions/*.py"))


@pytest.mark.parametrize("message", ['add "name"', "it's", "percent % and {brace}"])
def test_any_other_message_stands_in_the_file(app: MigratedProject, message: str) -> None:
    assert app.db("revision", "--empty", "-m", message).returncode == 0
    assert app.db("upgrade").returncode == 0
    assert message in app.db("history").stdout


@pytest.mark.parametrize("command", ["upgrade", "downgrade", "stamp"])
def test_an_empty_revision_is_no_revision(app: MigratedProject, command: str) -> None:
    refused = app.db(command, "")

    assert refused.returncode == 1
    assert "no revision has an empty name" in refused.stderr
    assert refused.stdout == ""


def test_a_squashed_history_is_adopted_as_the_fix_says(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.upgrade()
    (app.sandbox.path / "migrations/main/versions/001.py").unlink()
    app.revision("100", 'table("a")')
    told = app.db("check")
    assert "the database is at 001, which no file has, and head is 100" in told.stdout
    fix = told.stdout.partition("myfy-data db stamp ")[2].split()

    done = app.db("stamp", *fix)

    assert done.returncode == 0, done.stderr
    assert app.db("current").stdout.split() == ["main", "100", "head"]


# -- the project's own code and Alembic's own settings -----------------------------------------------------------------


@pytest.mark.parametrize("command", [("history",), ("heads",), ("upgrade",), ("current",), ("check",)])
def test_revisions_import_the_application(app: MigratedProject, command: tuple[str, ...]) -> None:
    """The console script has no working directory on `sys.path`, as `python -m` has."""
    app.sandbox.write("shop/types.py", "NAME = 'shelf'\n")
    app.revision("001", "import shop.types\ntable(shop.types.NAME)")
    script = f"import sys; sys.path = [p for p in sys.path if p not in ('', {str(app.sandbox.path)!r})]\n"
    script += f"from myfy_data.cli import main; sys.exit(main(['db', *{command!r}]))"

    done = app.sandbox.python("-P", "-c", script)

    assert "No module named" not in done.stderr


def test_a_revision_may_ask_for_arguments(app: MigratedProject) -> None:
    app.revision("001", 'from alembic import context\ntable(context.get_x_argument(as_dictionary=True).get("t", "a"))')

    assert app.db("upgrade").returncode == 0
    assert "a" in app.tables()


@pytest.mark.parametrize("name", ["pyproject.toml", "alembic.ini"])
def test_alembics_own_settings_are_heard(app: MigratedProject, name: str) -> None:
    text = {
        "pyproject.toml": '[tool.alembic]\nfile_template = "day_%%(rev)s"\n',
        "alembic.ini": "[alembic]\nfile_template = day_%%(rev)s\nsqlalchemy.url = sqlite:///elsewhere.db\n",
    }
    app.sandbox.write(name, text[name])

    assert app.db("revision", "--empty", "-m", "x", "--rev-id", "001").returncode == 0
    assert (app.sandbox.path / "migrations/main/versions/day_001.py").is_file()


FOREIGN = """\
import sqlalchemy as sa
from alembic import context

with sa.create_engine("sqlite:///precious.db", poolclass=sa.NullPool).connect() as connection:
    context.configure(connection=connection, target_metadata=sa.MetaData())
    with context.begin_transaction():
        context.run_migrations()
"""
"""As `alembic init` writes it: it knows another database than the profile's, and running it changes that one."""


@pytest.mark.parametrize(
    "command",
    [
        ("upgrade",),
        ("upgrade", "001"),
        ("downgrade", "base"),
        ("stamp", "head"),
        ("current",),
        ("check",),
        ("revision", "-m", "x"),
        ("upgrade", "--sql"),
    ],
    ids=" ".join,
)
def test_an_environment_with_a_connection_of_its_own_is_refused(app: MigratedProject, command: tuple[str, ...]) -> None:
    two(app)
    (app.sandbox.path / "main.db").rename(app.sandbox.path / "precious.db")
    app.sandbox.write("migrations/main/env.py", FOREIGN)

    refused = app.db(*command)

    assert refused.returncode == 2
    assert "connects by itself, so it may be about another database" in refused.stderr
    with sqlite3.connect(app.sandbox.path / "precious.db") as precious:
        tables = {name for (name,) in precious.execute("SELECT name FROM sqlite_master")}
    precious.close()
    assert {"a", "b"} <= tables
    assert len(list(app.sandbox.path.glob("migrations/main/versions/*.py"))) == 2


def test_it_is_taken_over_as_the_fix_says(app: MigratedProject) -> None:
    two(app)
    app.sandbox.write("migrations/main/env.py", FOREIGN)
    fix = app.db("current").stderr.partition("fix: ")[2]

    subprocess.run(["sh", "-c", fix], check=True)

    assert app.db("current").stdout.split() == ["main", "002", "head"]
    assert (app.sandbox.path / "migrations/main/env.py.old").read_text(encoding="utf-8") == FOREIGN


def test_what_was_kept_before_is_kept(app: MigratedProject) -> None:
    two(app)
    app.sandbox.write("migrations/main/env.py", FOREIGN)
    kept = app.sandbox.write("migrations/main/env.py.old", "# mine")

    subprocess.run(["sh", "-c", app.db("current").stderr.partition("fix: ")[2]], check=True)

    assert kept.read_text(encoding="utf-8") == "# mine"
    assert (app.sandbox.path / "migrations/main/env.py.old2").read_text(encoding="utf-8") == FOREIGN


# -- options and profiles ----------------------------------------------------------------------------------------------


def test_several_profiles_are_all_worked_on(project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main="sqlite", other="sqlite") as app:
        done = app.db("current", "--profile", "other", "--profile", "main", "--profile", "other")

    assert [line.split()[0] for line in done.stdout.splitlines()] == ["other", "main"]


AUDIT = '[data.profiles.audit]\nextends = "main"\n[data.profiles.audit.migrations]\nmetadata = "audit:Base.metadata"\n'


def test_two_profiles_that_share_a_version_table_are_refused_and_the_fix_helps(app: MigratedProject) -> None:
    path = app.sandbox.path / "myfy.toml"
    path.write_text(path.read_text(encoding="utf-8") + AUDIT, encoding="utf-8")
    refused = app.sandbox.run("config", "check")
    assert refused.returncode == 2
    assert "profiles.audit.migrations.version_table" in refused.stdout
    assert "of the same database as in profile 'main'" in refused.stdout

    fix = refused.stdout.partition("fix: ")[2].splitlines()[0]
    path.write_text(f"{path.read_text(encoding='utf-8')}{fix}\n", encoding="utf-8")

    assert app.sandbox.run("config", "check").returncode == 0


@pytest.mark.parametrize("line", ['directory = "migrations/main"', "enabled = false"])
def test_profiles_that_share_their_migrations_or_have_none_may_share_the_table(app: MigratedProject, line: str) -> None:
    path = app.sandbox.path / "myfy.toml"
    path.write_text(path.read_text(encoding="utf-8") + AUDIT + line + "\n", encoding="utf-8")

    assert app.sandbox.run("config", "check").returncode == 0


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_failed_downgrade_is_told_as_one(app: MigratedProject) -> None:
    app.revision("001", 'table("a")', DOWN_FAILS)
    app.upgrade()

    failed = app.db("downgrade", "-1")

    assert "nothing of 001 was undone: it was rolled back" in failed.stderr
    assert "a" in app.tables()


@pytest.mark.parametrize("make", ["link", "dangling link", "pipe"])
def test_the_lock_overwrites_nothing_that_stands_in_its_place(app: MigratedProject, make: str) -> None:
    two(app)
    lock = app.sandbox.path / "main.db-migration-lock"
    precious = app.sandbox.write("precious.txt", "precious")
    if make == "pipe":
        os.mkfifo(lock)
    else:
        lock.symlink_to(precious if make == "link" else Path("nowhere"))
    app.revision("003", 'table("c")', parent="002")

    refused = app.db("upgrade")

    assert refused.returncode == 1
    assert f"{lock.name} is a link, a pipe or a device" in refused.stderr
    assert precious.read_text() == "precious"
    assert not (app.sandbox.path / "nowhere").exists()
