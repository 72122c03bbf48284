"""A project with migrations on throw-away databases, for tests that run them as a user does."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import inspect, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import MigrationError, MigrationManager
from myfy_data.cli import main
from myfy_data.migrations import MigrationReport
from tests.sandbox import Sandbox, child_environment
from tests.servers import MYSQL, POSTGRESQL, Server, account_of

T = TypeVar("T")

MODELS = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
    from sqlalchemy import String


    class Base(DeclarativeBase):
        pass


    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String(50))
"""

HEAD = """\
\"\"\"{message}\"\"\"

import os, pathlib, time

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {parent!r}
branch_labels = None
depends_on = None

NOTES = pathlib.Path({notes!r})


def table(name):
    op.create_table(name, sa.Column("id", sa.Integer, primary_key=True))


def note(word):
    with NOTES.open("a") as file:
        file.write(word + "\\n")


"""

WAIT_LIMIT = 120.0
"""Seconds until something that must happen counts as never happening."""


@contextmanager
def fresh_database(kind: str, request: pytest.FixtureRequest, directory: Path, name: str = "app") -> Iterator[str]:
    """The URL of an empty database of this kind, gone after the block."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{directory / name}.db"
        return
    server = Server(POSTGRESQL if kind == "postgresql" else MYSQL, account_of(request.getfixturevalue(f"{kind}_url")))
    with server.database() as url:
        yield url


class MigratedProject:
    """A project whose profiles have migrations.

    Attributes:
        sandbox: the project on disk.
        urls: the URL of each profile; the first one is the default.
    """

    def __init__(self, sandbox: Sandbox, urls: Mapping[str, str], extra: str = "") -> None:
        self.sandbox = sandbox
        self.urls = dict(urls)
        self.notes = sandbox.path / "notes"
        profiles = "".join(
            f'[data.profiles.{name}]\ndatabase_url = "{url}"\n'
            f'[data.profiles.{name}.migrations]\nmetadata = "app.models:Base.metadata"\n'
            for name, url in self.urls.items()
        )
        sandbox.write("myfy.toml", f'[data]\ndefault = "{next(iter(self.urls))}"\n{profiles}{extra}')
        sandbox.write("app/models.py", MODELS)

    def init(self) -> None:
        """Write each profile's directory without a process of its own."""
        for name in self.urls:
            self.manager(name).init()

    def manager(self, profile: str = "main", **settings: Any) -> MigrationManager:
        """The profile's migrations in code, with more settings of its table `migrations`."""
        overrides = {f"profiles.{profile}.migrations.{key}": value for key, value in settings.items()}
        return MigrationManager(profile, self.sandbox.load(overrides=overrides))

    def upgrade(self, revision: str = "head", profile: str = "main", **settings: Any) -> MigrationReport:
        """Upgrade in this process; raises what failed."""
        return apart(lambda: self.manager(profile, **settings).upgrade(revision))

    def failure(self, revision: str = "head", profile: str = "main", **settings: Any) -> MigrationError:
        """Why an upgrade in this process fails."""
        with pytest.raises(MigrationError) as caught:
            self.upgrade(revision, profile, **settings)
        return caught.value

    def revision(self, revision: str, up: str, down: str = "pass", *, profile: str = "main", parent: str = "") -> Path:
        """Write a revision by hand; `table(name)` and `note(word)` are there for it."""
        head = HEAD.format(message=f"the {revision}", revision=revision, parent=parent or None, notes=str(self.notes))
        body = f"{head}def upgrade():\n{_indented(up)}\n\n\ndef downgrade():\n{_indented(down)}\n"
        return self.sandbox.write(f"migrations/{profile}/versions/{revision}.py", body)

    def noted(self) -> list[str]:
        """What revisions noted, in order."""
        return self.notes.read_text().split() if self.notes.exists() else []

    def db(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `myfy-data db` here, in this process: a process of its own costs a second."""
        forget_models()
        output, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(output), redirect_stderr(errors):
            code = apart(lambda: main(["db", *arguments]))
        return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())

    def db_json(self, *arguments: str) -> Any:
        """What `myfy-data db ... --json` prints."""
        return json.loads(self.db(*arguments, "--json").stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `myfy-data db` here, and do not wait for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "myfy_data", "db", *arguments],
            cwd=self.sandbox.path,
            env=child_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    @contextmanager
    def killed(self, word: str, *arguments: str) -> Iterator[None]:
        """Start `myfy-data db`, and kill it as soon as a revision has noted this word."""
        process = self.start(*arguments)
        try:
            wait_until(lambda: word in self.noted() or process.poll() is not None)
            assert process.poll() is None, process.communicate()
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        yield

    def tables(self, profile: str = "main") -> set[str]:
        """The tables of a profile's database."""
        return ask(self.urls[profile], lambda connection: set(inspect(connection).get_table_names()))

    def rows(self, statement: str, profile: str = "main") -> list[Any]:
        """What a statement finds."""
        return ask(self.urls[profile], lambda connection: [tuple(row) for row in connection.execute(text(statement))])

    def change(self, *statements: str, profile: str = "main") -> None:
        """Run statements and commit."""

        def run(connection: Any) -> None:
            for statement in statements:
                connection.execute(text(statement))
            connection.commit()

        ask(self.urls[profile], run)


@contextmanager
def migrated(
    sandbox: Sandbox, request: pytest.FixtureRequest, extra: str = "", **kinds: str
) -> Iterator[MigratedProject]:
    """A project with a profile for each keyword, on a fresh database of that kind, its directories written."""
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(fresh_database(kind, request, sandbox.path, name))
            for name, kind in (kinds or {"main": "sqlite"}).items()
        }
        project = MigratedProject(sandbox, urls, extra)
        project.init()
        before = list(sys.path)
        stack.callback(sys.path.__setitem__, slice(None), before)
        stack.callback(forget_models)
        yield project


def ask(url: str, question: Callable[[Any], T]) -> T:
    """Ask a database on a connection of its own, in a thread of its own: a test's loop stays as it is."""

    async def run() -> T:
        engine = create_async_engine(make_url(url), poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(question)

    return apart(lambda: asyncio.run(run()))


def forget_models() -> None:
    """Let the next import of `app.models` read the file of the project at hand."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def apart(action: Callable[[], T]) -> T:
    """Do something that runs an event loop, in a thread of its own."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(action).result()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + WAIT_LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def _indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


PARALLEL = """
import os, sys, json, asyncio, threading
from myfy_data import load_settings
from myfy_data.migrations.commands import upgrade
from myfy_data.migrations.target import resolve_target

target = resolve_target(load_settings(), sys.argv[1])
ready, go = os.pipe()
children = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(ready, 1)
        report = asyncio.run(upgrade(target))
        os.write(1, (json.dumps(report.as_json()) + "\\n").encode())
        os._exit(0)
    children.append(child)
os.close(go)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""
"""Ten processes that all upgrade the moment the pipe is closed; imports are done before the fork."""


def run_ten(project: MigratedProject, profile: str = "main") -> list[dict[str, Any]]:
    """The reports of ten processes that upgrade one profile at once."""
    done = project.sandbox.python("-W", "error", "-c", PARALLEL, profile)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
