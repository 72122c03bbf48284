"""The kit in every loop that pytest's plugins for asyncio give (contract C13.1, C13.2)."""

from __future__ import annotations

from tests.kit.conftest import Server
from tests.kit.project import KitProject

SCOPES = """
import pytest_asyncio


def loop_of(scope):
    @pytest_asyncio.fixture(scope=scope, loop_scope=scope)
    async def loop():
        return asyncio.get_running_loop()

    return loop


function_loop, class_loop, module_loop, package_loop, session_loop = map(
    loop_of, ["function", "class", "module", "package", "session"]
)


async def works_in(loop, session):
    assert asyncio.get_running_loop() is loop
    assert await names() == []
    await store("a")
    session.add(Item(name="b"))
    await session.commit()
    assert await names() == ["a", "b"]


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.asyncio(loop_scope="function")
async def test_function(function_loop, session, time):
    await works_in(function_loop, session)


@pytest.mark.asyncio(loop_scope="class")
class TestClass:
    @pytest.mark.parametrize("time", [1, 2])
    async def test_class(self, class_loop, session, time):
        await works_in(class_loop, session)


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.asyncio(loop_scope="module")
async def test_module(session, module_loop, time):
    await works_in(module_loop, session)


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.asyncio(loop_scope="package")
async def test_package(package_loop, data, session, time):
    await works_in(package_loop, session)


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.asyncio(loop_scope="session")
async def test_session(session_loop, session, data, time):
    await works_in(session_loop, session)


@pytest_asyncio.fixture(loop_scope="session")
async def stored():
    await store("x")
    yield
    assert "x" in await names()


@pytest.mark.asyncio(loop_scope="session")
async def test_behind_a_fixture(stored, session):
    assert await names() == ["x"]


@pytest.mark.asyncio(loop_scope="session")
async def test_before_a_fixture(session, stored):
    assert await names() == ["x"]


@pytest.mark.asyncio(loop_scope="function")
async def test_beside_a_fixture_of_another_loop(stored, data):
    with pytest.raises(SessionError, match="a second event loop cannot stand in the test's own transaction"):
        await names()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wide():
    assert await names() == []
    with pytest.raises(SessionError, match="fixture 'wide' of scope 'module' stores rows"):
        await store("wide")


@pytest.mark.asyncio(loop_scope="module")
async def test_that_a_wider_fixture_stores_nothing(wide, data):
    assert await names() == []
"""

ANYIO = """
import anyio
import anyio.from_thread
import anyio.to_thread

pytestmark = pytest.mark.anyio


async def test_stores(data, session):
    assert await names() == []
    session.add(Item(name="a"))
    await session.commit()
    assert await names() == ["a"]


@pytest.fixture
async def stored():
    await store("x")
    yield
    assert await names() == ["x"]


async def test_behind_a_fixture(stored, session):
    assert await names() == ["x"]


async def test_of_a_group():
    assert await names() == []
    async with anyio.create_task_group() as group:
        for name in "abc":
            group.start_soon(store, name)
    assert await names() == ["a", "b", "c"]


async def test_of_a_thread():
    assert await anyio.to_thread.run_sync(anyio.from_thread.run, names) == []


async def test_without_a_database():
    await anyio.sleep(0)


async def test_of_an_engine():
    async with module.get_engine().connect() as connection:
        await connection.execute(text("SELECT 1"))
"""

NO_LOOP = "no event loop of asyncio runs here, and drivers need one"
ON_TRIO = {
    "test_stores[trio]": ("error", "this test runs on trio"),
    "test_behind_a_fixture[trio]": ("error", "this test runs on trio"),
    "test_of_a_group[trio]": ("failed", NO_LOOP),
    "test_of_a_thread[trio]": ("failed", NO_LOOP),
    "test_of_an_engine[trio]": ("failed", NO_LOOP),
}


def test_loops_of_every_scope_of_pytest_asyncio(kit_project: KitProject, postgresql: Server) -> None:
    kit_project.profile(postgresql.url())
    result = kit_project.run(SCOPES)
    assert result.passed, result.output
    assert len(result.outcomes) == 14
    assert postgresql.run("SELECT count(*) FROM items", f"{postgresql.prefix}_test") == [(0,)]


def test_anyio_runs_tests_on_asyncio_and_those_on_trio_are_refused(kit_project: KitProject, postgresql: Server) -> None:
    kit_project.profile(postgresql.url())
    kit_project.asyncio = '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n'
    result = kit_project.run(ANYIO, "-p", "no:asyncio")
    assert {
        test: (outcome, next((said for _, said in [ON_TRIO[test]] if said in result.told(test)), result.told(test)))
        for test, outcome in result.outcomes.items()
        if outcome != "passed"
    } == ON_TRIO, result.output
    assert len(result.outcomes) == 12
    assert "fix: a fixture `anyio_backend` in conftest.py that returns 'asyncio'" in result.output
