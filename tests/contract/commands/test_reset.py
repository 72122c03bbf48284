"""`db reset`: a database is lost only where every guard agrees, what cannot be made anew is kept (contract C14.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product

import pytest

from myfy_data import ConfigError
from myfy_data.migrations import databases
from myfy_data.migrations.target import resolve_target
from myfy_data.seeds.reset import reset
from tests.databases import PERSISTENT
from tests.migrating import MigratedProject, apart, fresh_database, migrated
from tests.sandbox import Sandbox

USERS = """\
op.create_table(
    "users",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(50), nullable=False),
)
"""
SEED = "users: {key: [id], rows: [{id: 1, name: Ada}]}"


@pytest.fixture(params=PERSISTENT)
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main=request.param) as app:
        app.revision("001", USERS)
        project.write("seeds/main/01-users.yaml", SEED)
        yield app


def name_of(app: MigratedProject) -> str:
    return resolve_target(app.sandbox.load()).database


def test_a_database_is_dropped_made_migrated_and_seeded(app: MigratedProject) -> None:
    app.upgrade()
    app.db("mark", "--as", "development")
    app.change("INSERT INTO users (id, name) VALUES (7, 'Old')")

    done = app.db("reset", "--yes-drop", name_of(app))

    assert done.returncode == 0, done.stderr
    assert f"main: dropped and created {name_of(app)}" in done.stdout
    assert app.rows("SELECT id, name FROM users") == [(1, "Ada")]
    assert app.rows("SELECT environment FROM myfy_data_marker") == [("development",)]


@pytest.fixture
def small(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="sqlite") as app:
        app.revision("001", USERS)
        project.write("seeds/main/01-users.yaml", SEED)
        app.upgrade()
        app.db("mark", "--as", "development")
        yield app


def test_without_its_seeds_it_is_empty(small: MigratedProject) -> None:
    assert small.db("reset", "--no-seed", "--yes-drop", "main.db").returncode == 0
    assert small.rows("SELECT id FROM users") == []


def test_where_the_seeds_are_not_for_the_environment_that_is_told(small: MigratedProject) -> None:
    small.db("mark", "--as", "staging")

    done = small.db("reset", "--environment", "staging", "--yes-drop", "main.db")

    assert done.returncode == 0, done.stderr
    assert "no seeds: they are not for 'staging'" in done.stdout
    assert small.rows("SELECT id FROM users") == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("seeds/main/02-broken.toml", "users = 1"),
        ("migrations/main/versions/002.py", "this is no Python"),
        ("migrations/main/env.py", None),
    ],
)
def test_what_cannot_be_made_anew_is_not_dropped(small: MigratedProject, path: str, text: str | None) -> None:
    small.change("INSERT INTO users (id, name) VALUES (7, 'Old')")
    if text is None:
        (small.sandbox.path / path).unlink()
    else:
        small.sandbox.write(path, text)

    refused = small.db("reset", "--yes-drop", "main.db")

    assert refused.returncode != 0
    assert small.rows("SELECT id FROM users") == [(7,)]


def test_a_seed_that_fails_afterwards_is_told_with_what_was_done(small: MigratedProject) -> None:
    small.sandbox.write("seeds/main/02-late.sql", "INSERT INTO nowhere VALUES (1)")

    failed = small.db("reset", "--yes-drop", "main.db")

    assert failed.returncode == 1
    assert "main: dropped and created main.db" in failed.stdout
    assert "seeds/main/02-late.sql:1: no such table: nowhere" in failed.stderr
    assert small.rows("SELECT id FROM users") == []


ENVIRONMENTS = ["development", "staging", "production", "prod", "Live"]
MARKERS = ["its own", "another's", "none", "unreadable"]
NAMED = ["typed", "typed wrong", "no terminal", "flag", "flag wrong"]


@pytest.mark.parametrize(("environment", "marker"), list(product(ENVIRONMENTS, MARKERS)))
def test_data_is_lost_only_where_every_guard_agrees(small: MigratedProject, environment: str, marker: str) -> None:
    lost = {named for named in NAMED if is_lost(small, environment, marker, named)}

    is_allowed = environment in ("development", "staging") and marker == "its own"
    assert lost == ({"typed", "flag"} if is_allowed else set())


def is_lost(app: MigratedProject, environment: str, marker: str, named: str) -> bool:
    """Whether a reset takes a row away; each other cell begins as this one did."""
    target = resolve_target(app.sandbox.load(environment=environment, files=["myfy.toml"]))
    target = replace(target, may_drop={"flag": "main.db", "flag wrong": "main"}.get(named))
    app.change("DROP TABLE IF EXISTS myfy_data_marker", "DELETE FROM users", "INSERT INTO users VALUES (7, 'Old')")
    if marker == "unreadable":
        app.change("CREATE TABLE myfy_data_marker (other INTEGER)", "INSERT INTO myfy_data_marker VALUES (1)")
    elif marker != "none":
        owner = environment if marker == "its own" else "somewhere"
        apart(lambda: asyncio.run(databases.mark(target, owner)))
    typed = {"typed": "main.db", "typed wrong": "main"}.get(named)
    with suppress(ConfigError):
        apart(lambda: asyncio.run(reset(target, lambda: typed, seeds=False)))
    return app.rows("SELECT id FROM users") == []


@pytest.mark.parametrize("kind", PERSISTENT)
def test_a_marker_that_cannot_be_read_is_a_refusal(project: Sandbox, request: pytest.FixtureRequest, kind: str) -> None:
    with fresh_database(kind, request, project.path, "main") as url:
        app = MigratedProject(project, {"main": url})
        app.change("CREATE TABLE myfy_data_marker (other INTEGER)")

        refused = app.db("drop", "--yes-drop", name_of(app))

        assert refused.returncode == 2
        assert "the marker of" in refused.stderr
        assert app.tables() == {"myfy_data_marker"}
