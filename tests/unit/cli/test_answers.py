"""Standard output is kept for the answer: SQLAlchemy's `echo` and what users' code prints go elsewhere (C14.5)."""

from __future__ import annotations

import json

import pytest

from tests.sandbox import Sandbox

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
