"""`shell` and `sql`: production is read-only at the server, and no password is in arguments or variables (C14.3)."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from tests.databases import PERSISTENT, SERVERS
from tests.migrating import MigratedProject, ask, fresh_database
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment
from tests.servers import require_client

SECRET = "ca:na'r\\y\"pw"


@pytest.fixture(params=PERSISTENT)
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with fresh_database(request.param, request, project.path, "main") as url:
        app = MigratedProject(project, {"main": url})
        app.change("CREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR(50))", "INSERT INTO notes VALUES (1, 'a')")
        yield app


def piped(app: MigratedProject, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    return app.sandbox.run("shell", *words, stdin=text)


INSERT = "await session.execute(text(\"INSERT INTO notes VALUES (2, 'b')\"))\n"
COMMIT = "await session.commit()\n"


def test_piped_statements_run_and_values_are_shown(app: MigratedProject) -> None:
    done = piped(
        app,
        INSERT
        + COMMIT
        + "async with data.session() as other:\n    found = await other.scalar(text('SELECT count(*) FROM notes'))\n"
        + "found\nselect(1) is not None\nprint('printed')\n",
    )

    assert done.stdout.splitlines()[-3:] == ["2", "True", "printed"], done.stderr
    assert done.returncode == 0
    assert app.rows("SELECT id FROM notes ORDER BY id") == [(1,), (2,)]


def test_piped_it_goes_on_after_an_error_and_ends_with_one(app: MigratedProject) -> None:
    done = piped(app, INSERT + "await session.execute(text('SELECT * FROM nowhere'))\nprint('after')\n" + COMMIT)

    assert done.returncode == 1
    assert done.stdout == "after\n" or done.stdout.endswith("\nafter\n")
    assert "nowhere" in done.stderr
    assert app.rows("SELECT id FROM notes") == [(1,)]


def test_piped_what_is_not_committed_is_rolled_back(app: MigratedProject) -> None:
    done = piped(app, INSERT)

    assert done.returncode == 0
    assert "not committed, so rolled back" in done.stderr
    assert app.rows("SELECT id FROM notes") == [(1,)]


WAYS = [
    INSERT + COMMIT,
    "async with data.session() as s:\n    await s.execute(text(\"INSERT INTO notes VALUES (3, 'c')\"))\n",
    "async with data.get_engine().begin() as c:\n    await c.execute(text(\"INSERT INTO notes VALUES (4, 'd')\"))\n",
]


@pytest.mark.parametrize("words", [("--environment", "production"), ("--read-only",)], ids=" ".join)
def test_in_production_the_server_refuses_every_write(app: MigratedProject, words: tuple[str, ...]) -> None:
    done = piped(app, "".join(WAYS) + "await session.scalar(text('SELECT count(*) FROM notes'))\n", *words)

    assert done.returncode == 1
    assert done.stdout.endswith("1\n")
    assert app.rows("SELECT id FROM notes") == [(1,)]


def test_in_production_write_writes(app: MigratedProject) -> None:
    done = piped(app, INSERT + COMMIT, "--environment", "production", "--write")

    assert done.returncode == 0, done.stderr
    assert app.rows("SELECT id FROM notes ORDER BY id") == [(1,), (2,)]


# -- on one database ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small(project: Sandbox) -> MigratedProject:
    app = MigratedProject(project, {"main": f"sqlite+aiosqlite:///{project.path}/main.db"})
    app.change("CREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR(50))", "INSERT INTO notes VALUES (1, 'a')")
    return app


def test_a_text_that_is_no_python_runs_nothing(small: MigratedProject) -> None:
    done = piped(small, INSERT + COMMIT + "this is no Python\n")

    assert done.returncode == 1
    assert "SyntaxError" in done.stderr
    assert small.rows("SELECT id FROM notes") == [(1,)]


def test_what_is_not_awaited_is_no_success(small: MigratedProject) -> None:
    done = piped(small, INSERT.removeprefix("await ") + COMMIT)

    assert done.returncode == 1
    assert "nothing ran: the statement is not awaited\n  fix: write await in front of it" in done.stderr
    assert "never awaited" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("statement", ["session.begin_nested()", "data.get_engine().connect()"])
def test_what_else_is_to_be_awaited_is_no_value(small: MigratedProject, statement: str) -> None:
    done = piped(small, f"{statement}\n")

    assert done.returncode == 1
    assert done.stderr.endswith("the statement is not awaited\n  fix: write await in front of it\n")
    assert done.stdout == ""


def test_what_is_kept_and_never_awaited_is_no_success(small: MigratedProject) -> None:
    kept = f"result = {INSERT.removeprefix('await ')}"

    done = piped(small, kept + COMMIT)

    assert done.returncode == 1
    assert done.stderr == "result: nothing ran: the statement is not awaited\n  fix: write await in front of it\n"
    assert piped(small, f"{kept}made = await result\n" + COMMIT).returncode == 0
    assert small.rows("SELECT id FROM notes") == [(1,), (2,)]


@pytest.mark.parametrize(
    ("statement", "is_sql"),
    [
        ("select 1", True),
        ("SELECT * FROM notes", True),
        ('update "notes" set id = 1', True),
        ("update = (1,,2)", False),
        ("select(1,,2)", False),
        ("session.add(1,,2)", False),
        ("update.values (1,,2)", False),
        ("show in (1,,2)", False),
        ("this is no Python", False),
    ],
)
def test_sql_is_told_where_it_belongs(small: MigratedProject, statement: str, is_sql: bool) -> None:
    done = piped(small, f"{statement}\n")

    assert done.returncode == 1
    assert ("myfy-data sql takes SQL" in done.stderr) is is_sql


@pytest.mark.parametrize(("statement", "code"), [("exit()", 0), ("exit(3)", 3), ("raise SystemExit('x')", 1)])
def test_a_text_may_end_itself(small: MigratedProject, statement: str, code: int) -> None:
    done = piped(small, f"{statement}\nprint('never')\n")

    assert (done.returncode, "never" in done.stdout) == (code, False)


@pytest.mark.parametrize(("answer", "rows"), [("y", [(1,), (2,)]), ("n", [(1,)])])
def test_at_a_terminal_it_asks_what_becomes_of_changes(small: MigratedProject, answer: str, rows: object) -> None:
    typed = typed_at_a_terminal(small.sandbox, [INSERT, "\x04", f"{answer}\n"], [">>> ", ">>> ", "commit it?"])

    assert "main (development)>>> " in typed
    assert small.rows("SELECT id FROM notes ORDER BY id") == rows


def typed_at_a_terminal(project: Sandbox, words: list[str], after: list[str]) -> str:
    """What a shell shows on a terminal; each word is typed once what stands beside it has been shown anew."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "myfy_data", "shell"],
        cwd=project.path,
        env=child_environment() | {"TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, seen = "", 0
    for word, sign in zip(words, after, strict=True):
        while sign not in shown[seen:]:
            shown += os.read(ours, 4096).decode(errors="replace")
        seen = len(shown)
        os.write(ours, word.encode())
    process.wait(timeout=RUN_TIMEOUT)
    os.close(ours)
    return shown


# -- sql ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def client(app: MigratedProject) -> None:
    """The client of the project's database; without it the test is skipped."""
    require_client(make_url(app.urls["main"]).get_backend_name())


@pytest.fixture
def sqlite3() -> None:
    """SQLite's client; without it the test is skipped."""
    require_client("sqlite")


def sql(app: MigratedProject, statement: str, *words: str) -> subprocess.CompletedProcess[str]:
    return app.sandbox.run("sql", *words, stdin=f"{statement};\n")


@pytest.mark.usefixtures("client")
def test_sql_hands_over_to_the_client(app: MigratedProject) -> None:
    done = sql(app, "INSERT INTO notes VALUES (2, 'from the client')")
    shown = sql(app, "SELECT body FROM notes WHERE id = 2", "main")

    assert done.returncode == 0, done.stderr
    assert "from the client" in shown.stdout


@pytest.mark.usefixtures("client")
def test_in_production_its_sessions_begin_read_only(app: MigratedProject) -> None:
    refused = sql(app, "INSERT INTO notes VALUES (2, 'x')", "--environment", "production")
    before = app.rows("SELECT id FROM notes")
    sql(app, "INSERT INTO notes VALUES (2, 'x')", "--environment", "production", "--write")

    assert "read" in refused.stderr.lower()
    assert before == [(1,)]
    assert app.rows("SELECT id FROM notes ORDER BY id") == [(1,), (2,)]


@pytest.mark.usefixtures("sqlite3")
def test_the_exit_code_is_the_clients(small: MigratedProject) -> None:
    assert sql(small, ".exit 7").returncode == 7


LOOK = """#!/bin/sh
{ tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$$/environ; } > seen
exec "%s" "$@"
"""
"""A client that notes its arguments and variables before it is one."""

ACCOUNTS = {
    "postgresql": "CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{secret}'",
    "mysql": "GRANT ALL ON *.* TO '{name}'@'%' IDENTIFIED BY '{secret}'",
}


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("way", ["file", "variable"])
def test_the_password_is_in_neither_arguments_nor_variables(
    project: Sandbox, request: pytest.FixtureRequest, kind: str, way: str
) -> None:
    program = require_client(kind)
    look = project.write(f"bin/{program.name}", LOOK % program)
    look.chmod(0o755)
    with fresh_database(kind, request, project.path) as url:
        name = f"canary_{make_url(url).database}"[-30:]
        quoted = SECRET.replace("'", "''") if kind == "postgresql" else SECRET.replace("\\", "\\\\").replace("'", "\\'")
        account = ACCOUNTS[kind].format(name=name, secret=quoted)
        ask(url, lambda c: (c.exec_driver_sql(account, execution_options={"no_parameters": True}), c.commit()))
        project.write("myfy.toml", f'[data.profiles.main]\ndatabase_url = "{make_url(url).set(username=name)}"\n')
        if way == "variable":
            project.setenv("MYFY_DATA_PROFILES__MAIN__PASSWORD", SECRET)
        else:
            project.write("secret", SECRET).chmod(0o600)
            project.setenv("MYFY_DATA_PROFILES__MAIN__PASSWORD_FILE", "secret")
        project.setenv("COPIED", f"postgres://x:{SECRET}@host")
        project.setenv("PATH", f"{project.path}/bin{os.pathsep}{os.environ['PATH']}")
        try:
            done = project.run("sql", stdin="SELECT 41 + 1;\n")
        finally:
            drop = f"DROP {'ROLE' if kind == 'postgresql' else 'USER'} {name}"
            ask(url, lambda c: (c.exec_driver_sql(drop), c.commit()))

    assert "42" in done.stdout, done.stderr
    assert "PYTHONPATH=" in (project.path / "seen").read_text(), "the client has noted nothing"
    assert SECRET not in (project.path / "seen").read_text()
    assert SECRET not in done.stdout + done.stderr


def test_a_client_that_is_not_installed_is_named(small: MigratedProject) -> None:
    small.sandbox.setenv("PATH", str(small.sandbox.path))

    done = sql(small, "SELECT 1")

    assert done.returncode == 1
    assert "the client 'sqlite3' is not installed\n  fix: apt-get install sqlite3" in done.stderr


def test_a_database_in_memory_has_no_client(project: Sandbox) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndatabase_url = "sqlite://"\n')

    done = project.run("sql")

    assert done.returncode == 2
    assert "fix: myfy-data shell main" in done.stderr
