"""What a test stores is gone in the next one, whatever the database (contract C13.1, C13.2)."""

from __future__ import annotations

from tests.kit.conftest import Server
from tests.kit.project import APP, METADATA, KitProject

EVERYWHERE = """
async def test_by_the_application(data):
    await store("a")
    assert await names() == ["a"]


async def test_by_sessions_of_the_kit(data, session):
    assert await names() == []
    session.add(Item(name="b"))
    await session.flush()
    assert list(await session.scalars(select(Item.name))) == ["b"]


async def test_without_a_fixture():
    assert await names() == []
    await store("c")


def test_in_a_plain_function(data):
    assert asyncio.run(names()) == []


def test_in_a_plain_function_that_stores(data):
    asyncio.run(store("d"))


async def test_that_fails(data):
    assert await names() == []
    await store("e")
    raise ValueError


async def test_of_a_block_that_fails(data):
    with pytest.raises(ValueError):
        async with module.session() as session:
            session.add(Item(name="f"))
            await session.flush()
            raise ValueError
    await store("g")
    assert await names() == ["g"]


async def test_of_a_session_that_is_left_open(data):
    open_session = module.get_session_factory().create_session()
    open_session.add(Item(name="h"))
    await open_session.flush()


@pytest.mark.data(isolation="database")
async def test_in_a_database_of_its_own(data):
    await store("i")
    async with module.session() as one, module.session() as two:
        assert list(await one.scalars(select(Item.name))) == list(await two.scalars(select(Item.name))) == ["i"]


@pytest.mark.data(isolation="delete")
async def test_by_delete(data):
    assert await names() == []
    await store("j")


@pytest.mark.data(isolation="transaction")
async def test_by_a_transaction(data):
    assert await names() == []
    await store("k")


async def test_that_comes_last(data):
    assert await names() == []
    async with module.session(read_only=True) as session:
        assert (await session.execute(text("SELECT 1"))).scalar() == 1
"""


def test_nothing_reaches_the_next_test(kit_project: KitProject, any_url: str) -> None:
    kit_project.profile(any_url)
    result = kit_project.run(EVERYWHERE)
    assert {test for test, outcome in result.outcomes.items() if outcome != "passed"} == {"test_that_fails"}, (
        result.output
    )
    assert len(result.outcomes) == 12


def test_postgresql_is_left_as_it_was_made(kit_project: KitProject, postgresql: Server) -> None:
    kit_project.profile(postgresql.url())
    kit_project.run(EVERYWHERE)
    [test, template] = postgresql.databases()
    assert (test, template.startswith("test_template_")) == ("test", True)
    assert postgresql.run("SELECT count(*) FROM items", f"{postgresql.prefix}_test") == [(0,)]


def test_mysql_is_left_as_it_was_made(kit_project: KitProject, mysql: Server) -> None:
    kit_project.profile(mysql.url())
    kit_project.run(EVERYWHERE)
    [test, template] = mysql.databases()
    assert (test, template.startswith("test_template_")) == ("test", True)
    assert mysql.run("SELECT count(*) FROM items", f"{mysql.prefix}_test") == [(0,)]


DEFERRED = """
import traceback

from sqlalchemy.exc import IntegrityError


async def fills_twice():
    async with module.session() as session:
        session.add_all([Slot(place=1), Slot(place=1)])
        await session.flush()


async def commits_twice():
    async with module.session() as session:
        session.add_all([Slot(place=1), Slot(place=1)])
        await session.flush()
        await session.commit()
        raise AssertionError


def told(error):
    lines = [(frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]
    return type(error), type(error.orig), error.orig.sqlstate, [line for line in lines if "twice" in line[0]]


found = []


@pytest.mark.parametrize("violate", [fills_twice, commits_twice])
@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.data(isolation=way)) for way in ("transaction", "database")]
)
async def test_violated(data, violate, way):
    with pytest.raises(IntegrityError) as caught:
        await violate()
    assert caught.value.orig.sqlstate == "23505"
    found.append((violate, told(caught.value)))
    async with module.session() as session:
        assert list(await session.scalars(select(Slot))) == []


def test_that_a_copy_says_the_same():
    assert len(found) == 4
    assert len({str(each) for each in found}) == 2


async def test_still_deferred_in_the_next_session(data):
    for _ in range(2):
        async with module.session() as session:
            one, two = Slot(place=1), Slot(place=2)
            session.add_all([one, two])
            await session.flush()
            one.place = two.place
            await session.flush()
            two.place = 3
            await session.flush()
            await session.delete(one)
            await session.delete(two)
"""


def test_a_deferred_constraint_fails_where_the_commit_would(kit_project: KitProject, postgresql: Server) -> None:
    kit_project.profile(postgresql.url())
    result = kit_project.run(DEFERRED)
    assert result.passed, result.output


REFUSED_LAST = """
from sqlalchemy.exc import DBAPIError


async def test_refused(data):
    with pytest.raises(DBAPIError, match="pg_constraint"):
        async with module.session() as session:
            await session.execute(text("REVOKE SELECT ON pg_catalog.pg_constraint FROM PUBLIC"))
            await session.execute(text("SET LOCAL ROLE pg_signal_backend"))


async def test_next(data):
    await store("a")
    assert await names() == ["a"]
"""


def test_what_fails_behind_the_savepoint_is_told_with_its_own_words(
    kit_project: KitProject, postgresql: Server
) -> None:
    kit_project.profile(postgresql.url())
    result = kit_project.run(REFUSED_LAST)
    assert result.outcomes == {"test_refused": "passed", "test_next": "passed"}, result.output


def test_what_would_end_the_test_is_refused_and_leaves_no_row(kit_project: KitProject, postgresql: Server) -> None:
    kit_project.profile(postgresql.url())
    result = kit_project.run("""
@pytest.mark.parametrize("statement", ["COMMIT", " /* so */ commit;", "ROLLBACK", "END", "PREPARE TRANSACTION 'x'"])
async def test_literal(data, statement):
    with pytest.raises(SessionError, match='isolation="database"'):
        async with module.session() as session:
            session.add(Item(name="a"))
            await session.flush()
            await session.execute(text(statement))
    assert await names() == []


async def test_words_that_only_look_so(data):
    async with module.session() as session:
        await session.execute(text("SELECT 'a; COMMIT' -- ; rollback"))
        await session.execute(text("SAVEPOINT mine"))
        await session.execute(text("ROLLBACK TO SAVEPOINT mine"))


async def test_autocommit(data):
    with pytest.raises(SessionError, match='isolation="database"'):
        async with module.get_engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text("INSERT INTO items (name) VALUES ('a')"))


async def test_another_thread(data):
    with pytest.raises(SessionError, match='isolation="database"'):
        await asyncio.to_thread(asyncio.run, store("a"))


def test_a_second_loop(data):
    asyncio.run(store("a"))
    with pytest.raises(SessionError, match='isolation="database"'):
        asyncio.run(names())


async def test_another_level(data):
    with pytest.raises(SessionError, match="SERIALIZABLE"):
        async with module.get_engine().execution_options(isolation_level="SERIALIZABLE").connect() as connection:
            await connection.execute(text("SELECT 1"))


async def test_a_connection_that_was_lost(data):
    await store("a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), module.session() as session:
            await session.execute(text("SELECT pg_sleep(60)"))
    with pytest.raises(SessionError, match='isolation="database"'):
        await names()


async def test_nothing_is_left(data):
    assert await names() == []
    """)
    assert result.passed, result.output


def test_a_session_that_waits_for_its_own_test_is_told(kit_project: KitProject, postgresql: Server) -> None:
    kit_project.profile(postgresql.url())
    result = kit_project.run("""
async def test_of_one_task(data):
    async with module.session() as one, module.session() as two:
        await one.execute(text("SELECT 1"))
        await two.execute(text("SELECT 2"))


async def test_of_a_commit(data):
    one = module.get_session_factory().create_session()
    one.add(Item(name="a"))
    await one.flush()
    await store("b")


async def test_of_two_tasks_that_take_turns(data):
    await asyncio.gather(*(store(name) for name in "abc"))
    assert await names() == ["a", "b", "c"]


async def test_of_a_task_that_is_waited_for(data):
    async with module.session() as one:
        await one.execute(text("SELECT 1"))
        with pytest.raises(SessionError, match='isolation="database"'):
            await asyncio.gather(store("a"))


async def test_that_sessions_never_interleave(data):
    async def fails():
        async with module.session() as session:
            session.add(Item(name="fails"))
            await session.flush()
            await asyncio.sleep(0)
            raise ValueError

    results = await asyncio.gather(fails(), store("b"), return_exceptions=True)
    assert isinstance(results[0], ValueError)
    assert await names() == ["b"]
    """)
    assert result.outcomes == {
        "test_of_one_task": "failed",
        "test_of_a_commit": "failed",
        "test_of_two_tasks_that_take_turns": "passed",
        "test_of_a_task_that_is_waited_for": "passed",
        "test_that_sessions_never_interleave": "passed",
    }, result.output
    assert "which another one waits for (app/main.py:" in result.told("test_of_a_commit")
    told = result.told("test_of_one_task")
    assert "profile 'main': a session is still in its transaction (test_app.py:" in told
    assert "another one waits for (test_app.py:" in told


def test_ddl_on_mysql_fails_the_test_and_the_next_one_is_clean(kit_project: KitProject, mysql: Server) -> None:
    kit_project.profile(mysql.url())
    result = kit_project.run("""
async def test_altering(data):
    async with module.session() as session:
        await session.execute(text("CREATE TABLE left_behind (id INT)"))
    await store("a")


async def test_truncating(data):
    async with module.session() as session:
        await session.execute(text("TRUNCATE items"))


async def test_of_a_temporary_table(data):
    async with module.session() as session:
        await session.execute(text("CREATE TEMPORARY TABLE passing (id INT)"))


async def test_next(data):
    assert await names() == []
    async with module.session() as session:
        assert (await session.execute(text("SHOW TABLES LIKE 'left_behind'"))).all() == []
    """)
    assert [result.outcome(f"test_{test}") for test in ("altering", "truncating", "of_a_temporary_table", "next")] == [
        "failed", "failed", "passed", "passed",
    ], result.output  # fmt: skip
    assert "CREATE TABLE left_behind (id INT) (test_app.py:" in result.told("test_altering")


def test_a_project_that_uses_nothing_of_the_kit_imports_nothing_of_it(kit_project: KitProject) -> None:
    kit_project.write("pyproject.toml", '[tool.pytest.ini_options]\nasyncio_mode = "auto"\n')
    kit_project.write(
        "test_app.py",
        """
        import os
        import sys

        import pytest


        @pytest.fixture
        def data():
            return 1


        def test_of_others(data):
            loaded = {name for name in sys.modules if name.startswith(("myfy_data", "sqlalchemy", "pydantic"))}
            assert loaded == {"myfy_data", "myfy_data.testing", "myfy_data.testing.plugin"}
            assert "MYFY_DATA_ENVIRONMENT" not in os.environ
        """,
    )
    result = kit_project.again()
    assert result.passed, result.output


def test_the_plugin_can_be_left_out(kit_project: KitProject) -> None:
    kit_project.write(
        "test_app.py", "import sys\n\n\ndef test_of_others():\n    assert 'myfy_data' not in sys.modules\n"
    )
    assert kit_project.again("-p", "no:myfy_data").passed
    assert not kit_project.again().passed


def test_the_process_is_in_environment_test_from_the_configuration_on(kit_project: KitProject) -> None:
    kit_project.profile("sqlite://")
    kit_project.write("conftest.py", "import os\n\nassert os.environ['MYFY_DATA_ENVIRONMENT'] == 'test'\n")
    result = kit_project.run(
        """
        def test_of_the_environment(data):
            assert module.settings.environment == "test"
        """,
        options=APP + METADATA,
        MYFY_DATA_ENVIRONMENT="production",
    )
    assert result.passed, result.output
