"""Standard output is kept for the answer: SQLAlchemy's `echo` and what users' code prints go to stderr (C14.5)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest

from myfy_data.cli.app import app
from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

ECHO = '[data.profiles.main]\ndatabase_url = "sqlite:///main.db"\necho = true\necho_pool = true\n'


def test_json_stays_json_while_sql_is_logged(project: Sandbox) -> None:
    project.write("myfy.toml", ECHO)

    done = project.run("ping", "--json")

    assert json.loads(done.stdout)[0]["ok"]
    assert "sqlite_version" in done.stderr


@pytest.mark.parametrize("command", [("db", "upgrade", "--json"), ("db", "current"), ("db", "history")])
def test_what_the_project_prints_is_no_answer(project: Sandbox, command: tuple[str, ...]) -> None:
    project.write("myfy.toml", ECHO)
    project.run("db", "init")
    env = project.path / "migrations" / "main" / "env.py"
    env.write_text("print('hello from env.py')\n" + env.read_text(encoding="utf-8"), encoding="utf-8")

    done = project.run(*command)

    assert done.returncode == 0, done.stderr
    assert "hello" not in done.stdout
    assert "sqlalchemy" not in done.stdout


NEEDED = {
    "config explain": ["pool_size"],
    "explain": ["SELECT 1"],
    "config diff": ["development", "test"],
    "db downgrade": ["base"],
    "db stamp": ["head"],
}
"""Arguments without which a command refuses its command line."""


def commands_with_json(group: click.Group = app, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of the tree that takes `--json`, with the arguments that it needs."""
    for name, command in group.commands.items():
        words = (*above, name)
        if isinstance(command, click.Group):
            yield from commands_with_json(command, words)
        elif any("--json" in parameter.opts for parameter in command.params):
            yield (*words, *NEEDED.get(" ".join(words), []))


WITH_JSON = list(commands_with_json())


def test_the_tree_has_commands_with_json() -> None:
    assert len(WITH_JSON) > 9


@pytest.mark.parametrize("command", WITH_JSON, ids=" ".join)
def test_what_is_wrong_with_the_configuration_is_json_too(run: Run, project: Sandbox, command: tuple[str, ...]) -> None:
    project.write("myfy.toml", "[data]\npool_sise = 5\n")

    done = run(*command, "--json")

    assert done.code == 2
    [problem] = done.json["problems"]
    assert (problem["place"], problem["fix"]) == ("myfy.toml:2:1", "rename it to pool_size")


@pytest.mark.parametrize("words", [("--pofile", "main"), ("--profile", "main", "--all")], ids=" ".join)
def test_a_wrong_command_line_is_json_too(run: Run, project: Sandbox, words: tuple[str, ...]) -> None:
    project.write("myfy.toml", ECHO)

    done = run("db", "current", "--json", *words)

    assert (done.code, done.json["problems"][0]["place"]) == (2, "command line")
    assert done.err
