"""What no command can be tried with is told as any wrong configuration: at its place, and as JSON (C14.5, C16.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.migrating import MigratedProject, migrated
from tests.sandbox import Sandbox

REFUSED = '[data.profiles.other]\ndatabase_url = "postgresql://app@127.0.0.1/other"\nconnect_args.foo = 5\n'


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="sqlite") as app:
        yield app


def without_metadata(app: MigratedProject) -> None:
    path = app.sandbox.path / "myfy.toml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "metadata" not in line), encoding="utf-8")


def add(app: MigratedProject, text: str) -> int:
    """Add a profile to the file; the line of its last key."""
    path = app.sandbox.path / "myfy.toml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + text, encoding="utf-8")
    return (before + text).count("\n")


@pytest.mark.parametrize("command", [("check",), ("revision", "-m", "x", "--autogenerate")], ids=" ".join)
def test_models_that_are_not_named_are_told_and_the_fix_helps(app: MigratedProject, command: tuple[str, ...]) -> None:
    without_metadata(app)
    app.revision("001", 'table("a")', 'op.drop_table("a")')
    app.upgrade()

    refused = app.db(*command)

    assert refused.returncode == 2
    lines = [line.strip() for line in refused.stderr.partition("fix: write these:")[2].splitlines() if line.strip()]
    assert lines[0] == "[data.profiles.main.migrations]"
    app.sandbox.write("app/models.py", "from sqlalchemy.orm import DeclarativeBase\nclass Base(DeclarativeBase): ...\n")
    add(app, "\n".join(lines[1:] if "migrations]" in (app.sandbox.path / "myfy.toml").read_text() else lines) + "\n")
    assert app.db(*command).returncode != 2


def test_a_check_without_models_is_json_like_every_error(app: MigratedProject) -> None:
    without_metadata(app)

    refused = app.db("check", "--json")

    answer: dict[str, Any] = json.loads(refused.stdout)
    assert refused.returncode == 2
    assert [problem["key"] for problem in answer["problems"]] == ["profiles.main.migrations.metadata"]


def test_one_profile_that_answers_makes_it_a_list(app: MigratedProject) -> None:
    app.revision("001", 'table("a")', 'op.drop_table("a")')
    app.upgrade()
    add(app, REFUSED)

    done = app.db("current", "--all", "--json")

    assert done.returncode == 2
    answers = json.loads(done.stdout)
    assert [(answer["profile"], answer["error"] is None) for answer in answers] == [("main", True), ("other", False)]


@pytest.mark.parametrize("command", ["current", "upgrade", "check", "history"])
def test_what_an_engine_refuses_is_told_with_its_place_for_all_profiles(app: MigratedProject, command: str) -> None:
    app.revision("001", 'table("a")', 'op.drop_table("a")')
    line = add(app, REFUSED)

    done = app.db(command, "--all")

    assert done.returncode == 2
    assert f"myfy.toml:{line}:14: profiles.other.connect_args.foo: is no option" in done.stderr
    assert "main" in done.stdout  # it still had its turn
