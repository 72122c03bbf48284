"""A thousand tests leave no row, no connection and no database (contract C13.2, C13.3)."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.kit.conftest import Server
from tests.kit.project import KitProject

MANY = """
from sqlalchemy.exc import IntegrityError


async def commits():
    async with module.session() as session:
        session.add_all([Item(name="a"), Slot(place=1)])
        await session.commit()
        session.add(Item(name="b"))


async def rolls_back():
    async with module.session() as session:
        session.add(Item(name="a"))
        await session.flush()
        await session.rollback()


async def fails():
    with pytest.raises(IntegrityError):
        async with module.session() as session:
            session.add_all([Item(id=1, name="a"), Item(id=1, name="b")])
            await session.commit()
    await store("c")


async def is_cancelled():
    flushed = asyncio.Event()

    async def work():
        async with module.session() as session:
            session.add(Item(name="a"))
            await session.flush()
            flushed.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await flushed.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def is_left_open():
    session = module.get_session_factory().create_session()
    session.add(Item(name="a"))
    await session.flush()


KINDS = [commits, rolls_back, fails, is_cancelled, is_left_open]


@pytest.mark.parametrize("number", range(980))
async def test_one(number, data):
    assert await names() == []
    await KINDS[number % len(KINDS)]()
    if number % 5 < 4:
        assert module.get_engine().pool.checkedout() == 0


@pytest.mark.parametrize("number", range(20))
@pytest.mark.data(isolation="database")
async def test_of_its_own(number, data):
    assert await names() == []
    await KINDS[number % len(KINDS)]()


async def test_that_no_other_connection_is_open(data):
    async with module.session() as session:
        while await others(session):  # a server takes its time to hear of a closed one
            await session.rollback()
            await asyncio.sleep(0.01)
"""

ON_A_SERVER = """

async def others(session):
    return await session.scalar(text("SELECT count(*) FROM {open} LIKE '{prefix}%'")) > 1
"""

OPEN = {
    "postgresql": "pg_stat_activity WHERE datname",
    "mysql": "information_schema.processlist WHERE db",
}

IN_FILES = """
from pathlib import Path


async def others(session):
    mine = await session.scalar(text("SELECT file FROM pragma_database_list"))
    opened = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [file for file in opened if "myfy-data-test-" in file and not file.startswith(mine)]
"""


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_thousand_tests_leave_no_row_no_connection_and_no_database(
    kit_project: KitProject, kind: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(kind)
    kit_project.profile(server.url())
    result = kit_project.run(MANY + ON_A_SERVER.format(open=OPEN[kind], prefix=server.prefix))
    assert result.passed, result.output
    assert len(result.outcomes) == 1001
    assert [name.partition("_template_")[0] for name in server.databases()] == ["test", "test"]
    for table in ("items", "slots"):
        assert server.run(f"SELECT count(*) FROM {table}", f"{server.prefix}_test") == [(0,)]


def test_a_thousand_tests_leave_no_row_no_connection_and_no_file_on_sqlite(kit_project: KitProject) -> None:
    kit_project.profile("sqlite:///./shop_test.db")
    temporary = kit_project.root / "temporary"
    temporary.mkdir()
    result = kit_project.run(MANY + IN_FILES, TMPDIR=str(temporary))
    assert result.passed, result.output
    assert len(result.outcomes) == 1001
    assert [path.name for path in temporary.glob("myfy-data-test-*")] == []
    assert [path.name for path in kit_project.root.glob("*.db*")] == ["shop_test.db"]
    with closing(sqlite3.connect(kit_project.root / "shop_test.db")) as connection:
        for table in ("items", "slots"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]
