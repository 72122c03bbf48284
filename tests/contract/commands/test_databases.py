"""`db create`, `db mark`, `db drop`: a database is lost only by its own environment, and by name (contract C14.1)."""

from __future__ import annotations

import os
import pty
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.databases import PERSISTENT
from tests.migrating import MigratedProject, ask, fresh_database
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment

CATALOGS = {"postgresql": "pg_database WHERE datname", "mysql": "information_schema.schemata WHERE schema_name"}
USERS = """\
op.create_table(
    "users",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
)
"""


@dataclass
class Made:
    """A project whose database is not there yet.

    Attributes:
        app: the project.
        name: what the server calls its database.
        there: a database that is there, from which a server is asked.
    """

    app: MigratedProject
    name: str
    there: str

    def exists(self) -> bool:
        """Whether the database is there."""
        if self.there.startswith("sqlite"):
            return (self.app.sandbox.path / self.name).exists()
        catalog = (
            "pg_database WHERE datname"
            if "postgresql" in self.there
            else "information_schema.schemata WHERE schema_name"
        )
        self.app.urls["there"] = self.there
        return bool(self.app.rows(f"SELECT 1 FROM {catalog} = '{self.name}'", profile="there"))


@pytest.fixture(params=PERSISTENT)
def made(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[Made]:
    kind = request.param
    with fresh_database(kind, request, project.path, "there") as there:
        name = f"myfy_{secrets.token_hex(4)}"
        url = f"sqlite+aiosqlite:///{name}.db" if kind == "sqlite" else make_url(there).set(database=name)
        text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
        app = MigratedProject(project, {"main": text})
        app.init()
        made = Made(app, f"{name}.db" if kind == "sqlite" else name, there)
        try:
            yield made
        finally:
            if made.exists():
                app.db("mark", "--as", "development")
                done = app.db("drop", "--yes-drop", made.name)
                assert done.returncode == 0, done.stderr


def test_a_database_is_made_marked_used_and_dropped_by_its_name(made: Made) -> None:
    app = made.app
    app.revision("001", USERS)

    assert app.db("create").stdout == f"main: created {made.name}, which belongs to development\n"
    assert app.db("create").stdout == f"main: is there already: {made.name}, which belongs to development\n"
    assert app.db("upgrade").returncode == 0
    assert app.db("check").stdout == "main: at head (001), and the models agree\n"
    assert app.db("revision", "-m", "x").stdout == "main: no changes, so nothing was written\n"
    assert app.db("drop", "--yes-drop", made.name).stdout == f"main: dropped {made.name}\n"
    assert not made.exists()
    assert app.db("drop", "--yes-drop", made.name).stdout == f"main: there is no {made.name}\n"


@pytest.mark.parametrize(("owner", "told"), [("prodution", "Did you mean 'production'?"), ("staging", "")])
def test_a_slip_in_the_owner_is_told(made: Made, owner: str, told: str) -> None:
    made.app.db("create")

    done = made.app.db("mark", "--as", owner)

    assert done.returncode == 0
    assert done.stderr.strip().endswith(told)
    assert bool(done.stderr) is bool(told)


@pytest.mark.parametrize("environment", ["production", "prod", "LIVE"])
def test_production_drops_nothing(made: Made, environment: str) -> None:
    made.app.db("create", "--environment", environment)

    refused = made.app.db("drop", "--environment", environment, "--yes-drop", made.name)

    assert refused.returncode == 2
    assert "nothing was done" in refused.stderr
    assert made.exists()


def test_another_environments_database_is_kept_and_a_copy_is_marked_as_the_fix_says(made: Made) -> None:
    made.app.db("create", "--environment", "production")

    refused = made.app.db("drop", "--yes-drop", made.name)
    fix = refused.stderr.partition("if it is a copy: myfy-data db ")[2].split()

    assert refused.returncode == 2
    assert "says that it belongs to 'production' (marked " in refused.stderr
    assert made.exists()
    assert made.app.db(*fix).returncode == 0
    assert made.app.db("drop", "--yes-drop", made.name).returncode == 0


def test_a_database_without_a_marker_is_kept(made: Made) -> None:
    made.app.db("create")
    made.app.change("DROP TABLE myfy_data_marker")

    refused = made.app.db("drop", "--yes-drop", made.name)

    assert refused.returncode == 2
    assert "does not say which environment it belongs to; nothing was done" in refused.stderr
    assert made.exists()
    assert made.app.db("create").returncode == 2


@pytest.mark.parametrize("words", [(), ("--yes-drop", "main"), ("--yes-drop", "MYFY")], ids=" ".join)
def test_without_the_name_nothing_is_dropped_and_the_fix_has_it(made: Made, words: tuple[str, ...]) -> None:
    made.app.db("create")

    refused = made.app.db("drop", *words)

    assert refused.returncode == 2
    assert f"fix: add --yes-drop {made.name}" in refused.stderr
    assert made.exists()


@pytest.mark.parametrize(("typed", "code"), [("{name}", 0), ("main", 2), ("", 2)])
def test_somebody_at_a_terminal_types_the_name(project: Sandbox, typed: str, code: int) -> None:
    MigratedProject(project, {"main": "sqlite:///shop.db"})
    project.run("db", "create")

    answered = on_terminal(project, typed.format(name="shop.db"))

    assert answered == code
    assert (project.path / "shop.db").exists() == (code != 0)


def on_terminal(project: Sandbox, line: str) -> int:
    """The exit code of `db drop` on a terminal where this line is typed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "myfy_data", "db", "drop"],
        cwd=project.path,
        env=child_environment(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, f"{line}\n".encode())
    code = process.wait(timeout=RUN_TIMEOUT)
    os.close(ours)
    return code


def test_nothing_is_left_beside_a_sqlite_file(project: Sandbox) -> None:
    app = MigratedProject(project, {"main": "sqlite:///shop.db"})
    app.db("create")
    (project.path / "shop.db-wal").touch()

    app.db("drop", "--yes-drop", "shop.db")

    assert not list(Path(project.path).glob("shop.db*"))


def test_a_sqlite_file_that_another_writes_is_marked_once_it_has_ended(project: Sandbox) -> None:
    app = MigratedProject(project, {"main": "sqlite:///shop.db"}, "[data.profiles.main.sqlite]\nbusy_timeout = 0.1\n")
    app.db("create")

    with closing(sqlite3.connect(project.path / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = app.db("mark", "--as", "staging").stderr

    assert "the server refuses to mark shop.db: database is locked\n  fix: end the other sessions" in told
    assert app.db("mark", "--as", "staging").returncode == 0


@pytest.mark.postgresql
def test_a_database_that_others_use_is_kept(project: Sandbox, request: pytest.FixtureRequest) -> None:
    with fresh_database("postgresql", request, project.path) as url:
        app = MigratedProject(project, {"main": url})
        app.db("mark", "--as", "development")
        name = str(make_url(url).database)

        def drop(_: object) -> str:
            return app.db("drop", "--yes-drop", name).stderr

        told = ask(url, lambda connection: (connection.exec_driver_sql("SELECT 1"), drop(connection))[1])

    assert f"the server refuses DROP DATABASE {name}" in told
    assert "fix: end the other sessions" in told
