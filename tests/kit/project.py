"""A small project whose tests use the kit, and what came of a run of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

MODELS = """
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from myfy_data import Base


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class Slot(Base):
    __tablename__ = "slots"
    __table_args__ = (UniqueConstraint("place", {deferred}),)

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int]
"""

MAIN = """
from sqlalchemy import func, select

from app.models import Item
from myfy_data import DataModule

data = DataModule()


async def store(name, profile=None):
    async with data.session(profile) as session:
        session.add(Item(name=name))


async def names(profile=None):
    async with data.session(profile) as session:
        return list(await session.scalars(select(Item.name).order_by(Item.name)))


async def listed(session):
    return list(await session.scalars(select(Item.name).order_by(Item.name)))


def store_with(session, name):
    session.add(Item(name=name))


async def fail(session):
    store_with(session, "a")
    await session.flush()


async def see(name):
    async with data.session() as session:
        await session.scalars(select(Item).where(Item.name == name).with_for_update())
        store_with(session, f"{name}, seen in the background")


async def store_audit():
    try:
        await store("a", "audit")
    except Exception:
        pass


async def read_audit(session):
    try:
        await listed(session)
    except Exception:
        pass
"""

HEAD = """
import asyncio

import pytest
from sqlalchemy import select, text

from app.main import names, store
from app.main import data as module
from app.models import Item, Slot
from myfy_data import SessionError
"""

OPTIONS = """
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
filterwarnings = ["error"]
"""

APP = 'myfy_data_app = "app.main:data"\n'
METADATA = 'myfy_data_schema = "metadata:app.models:Base.metadata"\n'

_OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) (\S+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
        code: pytest's exit code.
        output: everything that it said.
    """

    code: int
    output: str
    outcomes: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.code == 0

    def outcome(self, test: str) -> str:
        """What one test came to: `passed`, `failed` or `error`."""
        return self.outcomes.get(test, f"not run:\n{self.output}")

    def told(self, test: str) -> str:
        """What was said about a test that failed."""
        _, *rest = re.split(rf"_ (?:ERROR at setup of )?{re.escape(test)} _", self.output, maxsplit=1)
        return re.split(r"\n_{3,} |\n={3,} ", "".join(rest))[0]


@dataclass
class KitProject:
    """A project on disk.

    Attributes:
        root: its directory.
        asyncio: what `pyproject.toml` says for the plugin that runs coroutines.
    """

    root: Path
    asyncio: str = OPTIONS

    def __post_init__(self) -> None:
        (self.root / "app").mkdir(exist_ok=True)
        (self.root / "config").mkdir(exist_ok=True)
        self.write("app/__init__.py", "")
        self.write("app/main.py", MAIN)

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")

    def models(self, url: str) -> None:
        """Models with a deferred constraint where the database has those."""
        deferred = 'deferrable=True, initially="DEFERRED"' if url.startswith("postgresql") else ""
        self.write("app/models.py", MODELS.format(deferred=deferred))

    def profile(self, url: str, name: str = "main", more: str = "") -> None:
        """Say the database of environment test, and another one for the others."""
        with (self.root / "config/test.toml").open("a", encoding="utf-8") as file:
            file.write(f'[data.profiles.{name}]\ndatabase_url = "{url}"\n{more}\n')
        with (self.root / "myfy.toml").open("a", encoding="utf-8") as file:
            file.write(f'[data.profiles.{name}]\ndatabase_url = "sqlite:///./{name}.db"\n')
        if not (self.root / "app/models.py").exists():
            self.models(url)

    def run(self, tests: str, *arguments: str, options: str = APP + METADATA, **variables: str) -> Result:
        """Write tests and run them."""
        self.write("pyproject.toml", self.asyncio + options)
        self.write("test_app.py", HEAD + dedent(tests))
        return self.again(*arguments, **variables)

    def again(self, *arguments: str, **variables: str) -> Result:
        """Run the tests that are there."""
        command = [sys.executable, "-m", "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider", "-q", *arguments]
        environment = {**os.environ, **variables}
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=1200, check=False
        )
        output = done.stdout + done.stderr
        found = {name.rpartition("::")[2]: outcome.lower() for outcome, name in _OUTCOME.findall(output)}
        return Result(done.returncode, output, found)
