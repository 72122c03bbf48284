"""`myfy-data explain`: a plan by hand, from the command line (contract C12.3)."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

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
