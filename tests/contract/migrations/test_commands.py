"""`myfy-data db ...` as a user types it, on SQLite: files, revisions, reports and exit codes (contract C7, C8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.migrating import MODELS, MigratedProject, migrated
from tests.sandbox import Sandbox

OTHERS = """
[data.profiles.reader]
extends = "main"
database_url = "sqlite:///./main.db"
read_only = true
[data.profiles.theirs]
database_url = "sqlite:///./theirs.db"
migrations = { enabled = false }
[data.profiles.sleeping]
database_url = "sqlite:///./sleeping.db"
active = false
[data.profiles.memory]
database_url = "sqlite://"
"""
REASONS = {
    "reader": "read_only is true",
    "theirs": "migrations.enabled is false",
    "sleeping": "active is false",
    "memory": "database_url is in memory",
}
SHARD = """
directory = "migrations/main"
[data.profiles.shard]
extends = "main"
database_url = "sqlite:///./shard.db"
"""
AGE = "        age: Mapped[int | None]\n"


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, OTHERS, main="sqlite") as app:
        yield app


def change_models(app: MigratedProject) -> None:
    app.sandbox.write("app/models.py", MODELS.rstrip() + "\n" + AGE)


def versions(app: MigratedProject) -> list[Path]:
    return sorted(app.sandbox.path.glob("migrations/main/versions/*.py"))


def test_init_writes_alembics_files_and_neither_url_nor_secret(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "postgresql://app:c4nary@127.0.0.1:9/x"\n')

    done = project.run("db", "init", "--alembic-ini")

    folder = project.path / "migrations" / "default"
    written = {path.name for path in folder.iterdir()}
    texts = [path.read_text() for path in [*folder.glob("*.*"), project.path / "alembic.ini"]]
    assert (done.returncode, written) == (0, {"README", "env.py", "script.py.mako", "versions"})
    assert len((folder / "env.py").read_text().splitlines()) < 12
    assert not any("c4nary" in text or "://" in text or "sqlalchemy.url" in text for text in texts)


def test_init_writes_over_nothing(app: MigratedProject) -> None:
    done = app.db("init")

    assert done.returncode == 1
    assert "migrations/main/README is there already" in done.stderr


def test_the_first_migration_from_models_to_tables(app: MigratedProject) -> None:
    wrote = app.db("revision", "-m", "users")
    upgraded = app.db("upgrade")

    assert re.fullmatch(r"main: wrote migrations/main/versions/[0-9a-f]{12}_users\.py\n", wrote.stdout)
    assert re.fullmatch(r"main  upgraded  base -> [0-9a-f]{12}  \d+\.\d\d s\n", upgraded.stdout)
    assert (wrote.stderr, upgraded.stderr) == ("", "")
    assert app.tables() == {"users", "alembic_version"}


def test_without_changes_no_revision_is_written(app: MigratedProject) -> None:
    app.db("revision", "-m", "users")
    app.upgrade()

    done = app.db("revision", "-m", "again")

    assert (done.returncode, done.stdout) == (0, "main: no changes, so nothing was written\n")
    assert len(versions(app)) == 1


def test_check_fails_after_a_change_and_passes_after_its_revision(app: MigratedProject) -> None:
    app.db("revision", "-m", "users")
    behind = app.db("check")
    app.upgrade()
    change_models(app)
    drifted = app.db("check")
    app.db("revision", "-m", "age")
    app.db("upgrade")
    passed = app.db("check")

    assert [done.returncode for done in (behind, drifted, passed)] == [1, 1, 0]
    assert "fix: myfy-data db upgrade --profile main" in behind.stdout
    assert "    add column users.age\n" in drifted.stdout
    assert passed.stdout.endswith(", and the models agree\n")


def test_check_changes_nothing(app: MigratedProject) -> None:
    app.db("revision", "-m", "users")

    app.db("check")

    assert app.tables() == set()


@pytest.mark.parametrize("arguments", [("-1",), ("-1", "--profile", "main"), ("--json", "-1")])
def test_one_step_back_is_an_argument_and_no_option(app: MigratedProject, arguments: tuple[str, ...]) -> None:
    app.revision("001", 'table("a")', 'op.drop_table("a")')
    app.revision("002", 'table("b")', 'op.drop_table("b")', parent="001")
    app.upgrade()

    done = app.db("downgrade", *arguments)

    assert done.returncode == 0, done.stderr
    assert app.tables() == {"a", "alembic_version"}


def test_an_unknown_option_is_still_one(app: MigratedProject) -> None:
    done = app.db("downgrade", "--profil", "main", "-1")

    assert done.returncode == 2
    assert "No such option" in done.stderr


@pytest.mark.parametrize("profile", sorted(REASONS))
def test_a_profile_that_is_not_ours_to_change_is_refused_by_name(app: MigratedProject, profile: str) -> None:
    done = app.db("upgrade", "--profile", profile)

    assert done.returncode == 2
    assert re.match(rf"myfy\.toml:\d+:\d+: profiles\.{profile}\.", done.stderr)
    assert "  fix: " in done.stderr


def test_all_passes_those_over_and_says_so(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')

    done = app.db("upgrade", "--all")

    lines = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert lines[0][:3] == ["main", "upgraded", "base -> 001"]
    assert {line[0]: line[2] for line in lines[1:]} == REASONS


def test_a_failure_in_one_profile_does_not_keep_the_others_from_their_turn(
    project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, first="sqlite", second="sqlite") as app:
        app.revision("001", 'op.execute("NO SQL")', profile="first")
        app.revision("001", 'table("b")', profile="second")

        done = app.db("upgrade", "--all", "--json")

        reports = json.loads(done.stdout)
        assert done.returncode == 1
        assert [report["outcome"] for report in reports] == ["failed", "upgraded"]
        assert "revision 001 failed" in reports[0]["error"]
        assert reports[1]["revisions"] == ["001"]


def test_current_history_and_heads(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.revision("002", 'table("b")', parent="001")
    app.upgrade("001")

    shown = [app.db(command).stdout for command in ("current", "history", "heads")]

    assert shown == [
        "main  001  head is 002\n",
        "main  001 -> 002   (head)  the 002\nmain  base -> 001          the 001\n",
        "main  001 -> 002  (head)  the 002\n",
    ]


def test_stamp_says_where_the_database_is(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')

    done = app.db("stamp", "head")

    assert re.match(r"main  stamped  base -> 001  ", done.stdout)
    assert app.tables() == {"alembic_version"}


def test_sql_is_printed_and_nothing_else(app: MigratedProject) -> None:
    app.revision("001", "op.create_table('a', sa.Column('x', sa.String(9), server_default='5%'))")

    done = app.db("upgrade", "--sql")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("BEGIN;\n")
    assert "DEFAULT '5%'" in done.stdout
    assert app.tables() == set()


def test_sql_is_about_one_profile(app: MigratedProject) -> None:
    app.sandbox.write("config/test.toml", '[data.profiles.more]\ndatabase_url = "sqlite:///./more.db"\n')

    done = app.db("upgrade", "--sql", "--all", "--environment", "test")

    assert done.returncode == 2
    assert "takes one --profile" in done.stderr


def test_without_metadata_there_is_nothing_to_compare_with(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///./main.db"\n')
    project.run("db", "init")

    done = project.run("db", "revision", "-m", "x")

    assert done.returncode == 2
    fix = '\n[data.profiles.default.migrations]\nmetadata = "app.models:Base.metadata"\n'
    assert fix in done.stderr.replace("\n       ", "\n") + "\n"


def test_a_directory_that_is_not_there_is_told_with_its_fix(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///./main.db"\n')

    done = project.run("db", "upgrade")

    assert done.returncode == 1
    assert "fix: myfy-data db init --profile default" in done.stderr


def test_the_shared_options_stand_after_the_subcommand(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')

    done = app.db("upgrade", "--set", "profiles.main.database_url=sqlite:///./other.db", "--environment", "test")

    assert done.returncode == 0, done.stderr
    assert app.tables() == set()
    assert (app.sandbox.path / "other.db").exists()


def test_profile_and_all_exclude_each_other(app: MigratedProject) -> None:
    assert app.db("upgrade", "--all", "--profile", "main").returncode == 2


SECRET = "c4nary"


@pytest.mark.parametrize("backend", ["postgresql", "mysql"])
@pytest.mark.parametrize("command", [("upgrade",), ("check",), ("current",), ("stamp", "head"), ("upgrade", "--sql")])
def test_no_command_shows_a_password(project: Sandbox, backend: str, command: tuple[str, ...]) -> None:
    app = MigratedProject(project, {"main": f"{backend}://app:{SECRET}@127.0.0.1:9/x"})
    app.init()
    app.revision("001", 'table("a")')

    done = app.db(*command)

    assert done.returncode == (0 if "--sql" in command else 1)
    assert SECRET not in done.stdout + done.stderr
    assert "--sql" in command or "nothing listens on 127.0.0.1:9" in done.stderr


def test_on_a_terminal_each_revision_is_told_when_it_begins(
    app: MigratedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.revision("001", 'table("a")')
    app.revision("002", 'table("b")', parent="001")
    monkeypatch.setattr("myfy_data.cli.output.is_watched", lambda: True)

    done = app.db("upgrade")

    assert done.stderr.splitlines() == [
        "main  upgrade 001 (1 of 2): the 001",
        "main  upgrade 002 (2 of 2): the 002",
    ]


def test_several_heads_are_told_with_a_way_on(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.revision("002", 'table("b")', parent="001")
    app.revision("003", 'table("c")', parent="001")

    refused, taken = app.db("upgrade"), app.db("upgrade", "heads")

    assert (refused.returncode, taken.returncode) == (1, 0)
    assert "fix: myfy-data db merge --profile main" in refused.stderr
    assert app.tables() == {"a", "b", "c", "alembic_version"}


def test_a_database_ahead_of_the_code_is_told(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.revision("002", 'table("b")', parent="001")
    app.upgrade()
    (app.sandbox.path / "migrations/main/versions/002.py").unlink()

    done = app.db("upgrade")

    assert done.returncode == 1
    assert "there is no revision '002' in" in done.stderr
    assert "deploy the code that has it" in done.stderr


def test_a_broken_revision_file_is_told_without_a_traceback(app: MigratedProject) -> None:
    app.sandbox.write("migrations/main/versions/001.py", "not python at all\n")

    done = app.db("upgrade")

    assert done.returncode == 1
    assert "001.py, line " in done.stderr
    assert "SyntaxError" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_revision_may_be_written_empty(app: MigratedProject) -> None:
    done = app.db("revision", "-m", "by hand", "--empty", "--rev-id", "abc")

    assert done.stdout == "main: wrote migrations/main/versions/abc_by_hand.py\n"


def test_a_revision_on_a_database_that_is_behind_is_refused_with_the_fix(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')

    done = app.db("revision", "-m", "more")

    assert done.returncode == 1
    assert "fix: myfy-data db upgrade --profile main" in done.stderr


def test_profiles_that_share_a_directory_share_its_revisions(project: Sandbox) -> None:
    app = MigratedProject(project, {"main": "sqlite:///./main.db"}, SHARD)

    codes = [
        app.db(*arguments, "--all").returncode
        for arguments in (("init",), ("revision", "-m", "x"), ("upgrade",), ("check",))
    ]

    assert codes == [0] * 4
    assert len(versions(app)) == 1
    assert (project.path / "shard.db").exists()
