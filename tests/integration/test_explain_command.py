"""`myfy-data explain`: a plan by hand, from the command line (contract C12.3)."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data import DatabaseSettings, DataModule
from myfy_data.cli.app import main
from tests.databases import PERSISTENT, SERVERS, url_of
from tests.sandbox import Sandbox

KEY = {"postgresql": "Index", "mysql": "key=PRIMARY", "sqlite": "PRIMARY KEY"}


def run(url: str, *statements: str) -> object:
    """Run statements on a connection of its own; the last one's value."""

    async def execute() -> object:
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            results = [await connection.execute(text(statement)) for statement in statements]
            return results[-1].scalar() if results[-1].returns_rows else None

    return asyncio.run(execute())


class Shop:
    """A project whose default profile has a table with rows."""

    def __init__(self, project: Sandbox, url: str) -> None:
        self.url = url
        self.kind = url.partition("+")[0]
        self.table = f"explained_{secrets.token_hex(4)}"
        project.write("myfy.toml", f'[data]\ndatabase_url = "{url}"\n')
        rows = ", ".join(f"({number}, {number % 7})" for number in range(1, 500))
        run(
            url,
            f"CREATE TABLE {self.table} (id integer PRIMARY KEY, age integer)",
            f"INSERT INTO {self.table} VALUES {rows}",
        )

    @property
    def count(self) -> object:
        return run(self.url, f"SELECT count(*) FROM {self.table}")


@pytest.fixture
def shop(request: pytest.FixtureRequest, project: Sandbox) -> Iterator[Shop]:
    made = Shop(project, url_of(request.param, request, project.path))
    yield made
    run(made.url, f"DROP TABLE {made.table}")


everywhere = pytest.mark.parametrize("shop", PERSISTENT, indirect=True)


@everywhere
def test_the_plan_is_printed_and_nothing_is_run(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["explain", f"SELECT * FROM {shop.table} WHERE id = 7"])
    told = capsys.readouterr().out

    assert (code, KEY[shop.kind] in told) == (0, True)
    assert shop.count == 499


@everywhere
def test_what_would_run_or_write_is_refused(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [
        main(["explain", statement])
        for statement in (
            f"ANALYZE DELETE FROM {shop.table}",
            f"SELECT 1; DELETE FROM {shop.table}",
            f"DELETE FROM {shop.table}; COMMIT",
        )
    ]

    assert codes == [2, 2, 2]
    assert "fix: give one SELECT" in capsys.readouterr().err
    assert shop.count == 499


@pytest.mark.parametrize("shop", ["sqlite", SERVERS[0]], indirect=True)
@pytest.mark.parametrize("profile", [(), ("default",)])
def test_parameters_may_be_unknown_and_json_is_a_list(
    shop: Shop, profile: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["explain", "--json", f"SELECT * FROM {shop.table} WHERE id = ?", *profile])
    lines = json.loads(capsys.readouterr().out)

    assert code == 0
    assert any(KEY[shop.kind] in line for line in lines)


def test_a_profile_that_is_not_there_is_told(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\n')

    assert main(["explain", "SELECT 1", "defualt"]) == 2
    assert "declared: default" in capsys.readouterr().err


class Records(logging.Handler):
    """Writes what a logger for JSON does: the fields of the slow log, a line for each record."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def emit(self, record: logging.LogRecord) -> None:
        names = ("profile", "kind", "fingerprint", "statement", "place")
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({name: vars(record)[name] for name in names}) + "\n")


def told_by_another_process(shop: Shop, path: Path) -> str:
    """The fingerprint of a statement that was slow, and is in a log."""
    records = Records(path)

    async def read() -> str:
        profile = DatabaseSettings(database_url=shop.url, slow={"statement": 1e-9})
        async with DataModule(settings=profile) as data, data.session(read_only=True) as session:
            await session.execute(text(f"SELECT age FROM {shop.table} WHERE id = :id AND age <> 4711"), {"id": 7})
        [found] = [each for each in data.slow_queries() if each.statement.startswith("SELECT age")]
        return found.fingerprint

    logger = logging.getLogger("myfy_data.slow")
    logger.addHandler(records)
    try:
        return asyncio.run(read())
    finally:
        logger.removeHandler(records)


@pytest.mark.usefixtures("slow_log")
@pytest.mark.parametrize("shop", ["sqlite", SERVERS[0]], indirect=True)
@pytest.mark.parametrize("profile", [(), ("default",)])
def test_the_fingerprint_of_a_log_leads_to_the_plan(
    shop: Shop, project: Sandbox, profile: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    fingerprint = told_by_another_process(shop, project.path / "slow.log")

    code = main(["explain", fingerprint, *profile, "--log", "slow.log"])
    told = capsys.readouterr()

    assert (code, KEY[shop.kind] in told.out) == (0, True), told.err
    assert f"default  SELECT age FROM {shop.table} WHERE id = ? AND age <> ?" in told.err


@pytest.mark.usefixtures("slow_log")
@pytest.mark.parametrize("shop", SERVERS[1:], indirect=True)
def test_where_a_plan_needs_values_the_statement_is_told(
    shop: Shop, project: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    fingerprint = told_by_another_process(shop, project.path / "slow.log")

    assert main(["explain", fingerprint, "--log", "slow.log"]) == 2
    told = capsys.readouterr().err
    assert f"SELECT age FROM {shop.table} WHERE id = ? AND age <> ?" in told
    assert "fix: put values in place of ?" in told


RECORDS = [
    {"profile": "default", "fingerprint": "8f3a11c0", "statement": "SELECT ?"},
    {"profile": "other", "fingerprint": "8f3a11c0", "statement": "SELECT ?"},
    {"profile": "default", "fingerprint": "8f3a22d1", "statement": "SELECT ?, ?"},
]


@pytest.mark.parametrize(
    ("words", "message", "fix"),
    [
        (["8f3a11c0"], "nothing here tells", "give a log in JSON"),
        (["8f3a11c0", "--log", "slow.log"], "8f3a11c0 of default, 8f3a11c0 of other", "give one of them"),
        (["8f3a", "default", "--log", "slow.log"], "8f3a11c0 of default, 8f3a22d1 of default", "give one of them"),
        (["00ff00ff", "--log", "slow.log"], "slow.log tells of no statement", "give a log in JSON"),
        (["SELECT 1", "--log", "slow.log"], "this is none", "give the fingerprint"),
        (["8f3a11c0", "--log", "slwo.log"], "slwo.log", ""),
    ],
    ids=["no log", "two profiles", "two statements", "not told", "a statement", "no such file"],
)
def test_a_fingerprint_that_leads_nowhere_is_told(
    project: Sandbox, capsys: pytest.CaptureFixture[str], words: list[str], message: str, fix: str
) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\n')
    project.write("slow.log", "".join(json.dumps(record) + "\n" for record in RECORDS))

    assert main(["explain", *words]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert fix in told
