"""The main job on SQLite, with this repository's own myfy.toml and config/: `make demo`.

Every step checks what it shows. The first that does not hold ends the demo with exit code 1.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from myfy_data import DataModule, load_settings

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".demo"
"""Where everything is made; git ignores it."""

OVERRIDE = {"MYFY_DATA_POOL_SIZE": "7"}


class MainBase(DeclarativeBase):
    """Tables of the profile `main`."""


class AnalyticsBase(DeclarativeBase):
    """Tables of the profile `analytics`."""


class User(MainBase):
    """Somebody."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Visit(AnalyticsBase):
    """A page that somebody looked at."""

    __tablename__ = "visits"

    id: Mapped[int] = mapped_column(primary_key=True)
    page: Mapped[str]


class ClaimError(Exception):
    """A step did not show what it says."""


def claim(holds: object, what: str) -> None:
    """Go on only if it holds."""
    if not holds:
        raise ClaimError(what)


def heading(text: str) -> None:
    """Begin a step."""
    print(f"\n== {text} ==\n")


def say(text: str) -> None:
    """Show the text of a step, indented."""
    for line in text.splitlines():
        print(f"    {line}".rstrip())


def command(*arguments: str, folder: Path = ROOT, variables: dict[str, str] | None = None, code: int = 0) -> str:
    """Run `myfy-data`, show it as it would be typed, and return what it prints; it must end with `code`."""
    variables = variables or {}
    typed = [*(f"{name}={value}" for name, value in variables.items()), "myfy-data", *arguments]
    print("$", *typed)
    done = subprocess.run(
        [sys.executable, "-m", "myfy_data", *arguments],
        cwd=folder,
        env={**clean_environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    say(done.stdout)
    claim(done.returncode == code, f"`{' '.join(typed)}` ends with {code} (it ended with {done.returncode})")
    return done.stdout


def clean_environment() -> dict[str, str]:
    """The environment without your own settings: the demo shows the repository's."""
    ours = {name: value for name, value in os.environ.items() if not name.upper().startswith("MYFY_DATA_")}
    return ours | {"PYTHONIOENCODING": "utf-8"}


def show_layers() -> None:
    """Which layers take part, and which do not."""
    heading("1. The layers: found, absent, or not read")
    layers = command("config", "show", "--layers")
    for name, state in (("myfy.toml", "found"), ("config/development.toml", "found"), ("environment", "absent")):
        claim(re.search(rf"^{re.escape(name)} +{state}$", layers, re.MULTILINE), f"the layer {name} is {state}")
    print("\nIn environment test the YAML overlay is read, and local files are not:\n")
    layers = command("config", "show", "--layers", "--environment", "test")
    for name, state in (("config/test.yaml", "found"), (".env", "not read: the environment is test")):
        claim(re.search(rf"^{re.escape(name)} +{state}$", layers, re.MULTILINE), f"the layer {name} is {state}")


def show_origins() -> None:
    """Where values come from, and who wins."""
    heading("2. Where each value comes from; a variable wins over the files")
    origins = command("config", "show", "--origin", "--no-defaults", variables=OVERRIDE)
    for place, value in (
        ("env MYFY_DATA_POOL_SIZE", "main.pool_size = 7"),
        ("config/development.toml:4:1", "main.pool_timeout = 5.0"),
        ("config/development.toml:4:1", "analytics.pool_timeout = 5.0"),
        ("myfy.toml:13:1", "analytics.pool_size = 2"),
    ):
        line = rf"^{re.escape(place)} +profiles\.{re.escape(value)}$"
        claim(re.search(line, origins, re.MULTILINE), f"profiles.{value} comes from {place}")
    print()
    said = command("config", "explain", "pool_size", variables=OVERRIDE)
    claim(re.search(r"-> env MYFY_DATA_POOL_SIZE +7$", said, re.MULTILINE), "the variable is the winner")
    claim(re.search(r"myfy\.toml:8:1 +5 +\(covered\)$", said, re.MULTILINE), "the file is covered")


def show_ping() -> None:
    """Both databases answer."""
    heading("3. Two databases answer")
    answers = command("ping")
    for profile in ("main", "analytics"):
        claim(re.search(rf"^{profile}\b.*SQLite", answers, re.MULTILINE), f"{profile} answers as SQLite")


async def count_users(data: DataModule) -> int:
    """How many users a fresh session sees."""
    async with data.session(read_only=True) as session:
        return await session.scalar(select(func.count()).select_from(User)) or 0


async def show_sessions(data: DataModule) -> None:
    """Write in one session, read in the next, in both profiles."""
    heading("4. Sessions write and read in both databases")
    async with data.get_engine("analytics").begin() as connection:
        await connection.run_sync(AnalyticsBase.metadata.create_all)
    async with data.session() as session:
        session.add_all([User(name="Ada"), User(name="Grace")])
    async with data.session("analytics") as session:
        session.add(Visit(page="/"))
    async with data.session() as session:
        names = list(await session.scalars(select(User.name).order_by(User.id)))
    async with data.session("analytics") as session:
        pages = list(await session.scalars(select(Visit.page)))
    say(f"main:      wrote 2 users, read back {', '.join(names)}")
    say(f"analytics: wrote 1 visit, read back {', '.join(pages)}")
    claim(names == ["Ada", "Grace"], "main gives back the users that were written")
    claim(pages == ["/"], "analytics gives back the visit that was written")


def give_up() -> None:
    """Raise, as any line of a block may."""
    raise RuntimeError("something went wrong")


async def show_rollback(data: DataModule) -> None:
    """An exception leaves nothing behind."""
    heading("5. A block that raises is rolled back")
    before = await count_users(data)
    say(f"users before: {before}")
    inside = 0
    try:
        async with data.session() as session:
            session.add(User(name="Mallory"))
            await session.flush()
            inside = await session.scalar(select(func.count()).select_from(User)) or 0
            say(f"users inside the block, after the INSERT: {inside}")
            give_up()
    except RuntimeError as error:
        say(f"the block raises: {error}")
    after = await count_users(data)
    say(f"users after: {after}")
    claim(inside == before + 1, "the INSERT took place inside the block")
    claim(after == before, "the row is not stored")


async def use_databases() -> None:
    """Everything that needs connections."""
    settings = load_settings(ROOT, environ=clean_environment())
    async with DataModule(settings=settings, auto_create_tables=True, metadata=MainBase.metadata) as data:
        await show_sessions(data)
        await show_rollback(data)


def show_mistake() -> None:
    """A misspelt key, its message, and its fix."""
    heading("6. A misspelt key: the message, and its fix")
    copy = WORK / "misspelt"
    shutil.copytree(ROOT / "config", copy / "config")
    text = (ROOT / "myfy.toml").read_text(encoding="utf-8")
    (copy / "myfy.toml").write_text(text.replace("pool_size = 5", "pool_sise = 5"), encoding="utf-8")
    say("(in .demo/misspelt, a copy in which pool_size is written pool_sise)\n\n")
    message = command("config", "check", folder=copy, code=2)
    claim("myfy.toml:8:1: profiles.main.pool_sise" in message, "the message names the file, the line and the key")
    fix = re.search(r"fix: rename it to (\w+)", message)
    claim(fix, "the message holds the fix")
    broken = (copy / "myfy.toml").read_text(encoding="utf-8")
    (copy / "myfy.toml").write_text(broken.replace("pool_sise", fix[1] if fix else ""), encoding="utf-8")
    print("\nThe fix, done as it says:\n")
    command("config", "check", folder=copy)


def steps() -> list[Callable[[], None]]:
    """The demo, in order."""
    return [show_layers, show_origins, show_ping, lambda: asyncio.run(use_databases()), show_mistake]


def main() -> int:
    """Run the demo."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    try:
        for step in steps():
            step()
    except ClaimError as error:
        print(f"\nThe demo failed. This does not hold: {error}", file=sys.stderr)
        return 1
    heading("All of this was checked while it ran")
    print("The databases are in .demo/. Next: docs/tutorial/first-profile.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
