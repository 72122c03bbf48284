"""Where the databases of tests come from, and what becomes of them (contract C13.1, C13.3, C13.4)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import MetaData, make_url

from myfy_data import DatabaseSettings
from myfy_data.testing.leftovers import mark
from myfy_data.testing.postgresql_databases import MARKED, PostgreSQLDatabase
from myfy_data.testing.schema import Schema
from tests.kit.conftest import Server
from tests.kit.project import APP, HEAD, METADATA, OPTIONS, KitProject
from tests.own_servers import STARTABLE

SEEDED = """
async def test_one():
    assert await names() == ["migrated"]
    async with module.session() as session:
        await session.execute(text("DELETE FROM items"))
    await store("a")


@pytest.mark.data(isolation="database")
async def test_two():
    assert await names() == ["migrated"]
    await store("a")


@pytest.mark.data(isolation="delete")
async def test_three():
    assert await names() == ["migrated"]
    async with module.session() as session:
        await session.execute(text("UPDATE items SET name = 'changed'"))


async def test_four():
    assert await names() == ["migrated"]
"""

REVISION = '''
"""Items, and one that is there from the start."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    items = op.create_table(
        "items", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False)
    )
    op.bulk_insert(items, [{"name": "migrated"}])


def downgrade() -> None:
    op.drop_table("items")
'''


def migrated(project: KitProject, url: str) -> None:
    """Give the project migrations, by the command that users have."""
    project.profile(url)
    # By another database: `db init` refuses one in memory.
    environment = {**os.environ, "MYFY_DATA_DATABASE_URL": "sqlite:///./other.db", "MYFY_DATA_ENVIRONMENT": "test"}
    command = [sys.executable, "-m", "myfy_data", "db", "init"]
    subprocess.run(command, cwd=project.root, env=environment, check=True, capture_output=True)
    project.write("migrations/main/versions/0001_items.py", REVISION)


def test_rows_that_migrations_stored_are_there_in_each_test(kit_project: KitProject, any_url: str) -> None:
    migrated(kit_project, any_url)
    result = kit_project.run(SEEDED, options=APP)
    assert result.passed, result.output


PARALLEL = """
import os


@pytest.mark.parametrize("number", range(12))
async def test_many(number, data):
    assert await names() == []
    await store("a")
    assert await names() == ["a"]


@pytest.mark.data(isolation="database")
async def test_of_its_own(data):
    await store("a")
"""


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_workers_have_databases_of_their_own_and_leave_a_template(
    kit_project: KitProject, kind: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(kind)
    kit_project.profile(server.url())
    kit_project.run(PARALLEL, "--collect-only")
    runs = [start(kit_project, "-n", "4") for _ in range(2)]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    left = [name.partition("_template_")[0] for name in server.databases()]
    assert left == ["test", "test"]


def start(project: KitProject, *arguments: str) -> subprocess.Popen[str]:
    """Start a run of the tests that are there."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.Popen(
        command,
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that its workers can be killed with it
    )


def test_a_server_that_is_full_is_told_with_what_workers_can_do(kit_project: KitProject, postgresql: Server) -> None:
    role = f"{postgresql.prefix}_narrow"
    postgresql.run(f"CREATE ROLE {role} LOGIN CREATEDB CONNECTION LIMIT 1")
    try:
        kit_project.profile(make_url(postgresql.url()).set(username=role).render_as_string(hide_password=False))
        result = kit_project.run(PARALLEL, "-n", "1", "-k", "test_of_its_own")
    finally:
        postgresql.drop()
        postgresql.run(f"DROP ROLE {role}")
    assert "the server has no connection left" in result.output
    assert "or: fewer workers, such as pytest -n 2" in result.output


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_what_a_killed_run_has_left_is_gone_after_the_next(
    kit_project: KitProject, kind: str, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(kind)
    kit_project.profile(server.url())
    server.run(f"CREATE DATABASE {server.prefix}_test_run_of_somebody_else")
    kit_project.write("pyproject.toml", OPTIONS + APP + METADATA)
    kit_project.write(
        "test_app.py",
        HEAD
        + '\n\n@pytest.mark.data(isolation="database")\nasync def test_killed():\n'
        + '    await store("a")\n    open("ready", "w").close()\n    await asyncio.sleep(600)\n',
    )
    run = start(kit_project)
    while not (kit_project.root / "ready").exists():
        assert run.poll() is None, run.communicate()[0]
        os.sched_yield()
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert sum("_run_main_" in name for name in server.databases()) == 1
    result = kit_project.run(PARALLEL)
    assert result.passed, result.output
    left = [name.partition("_template_")[0] for name in server.databases()]
    assert left == ["test", "test_run_of_somebody_else", "test"]


KILLED_WORKERS = """
import os
import pathlib


@pytest.mark.parametrize("isolation", ["one", "two"])
@pytest.mark.data(isolation="database")
async def test_killed(isolation):
    await store("a")
    pathlib.Path("ready-" + isolation).touch()
    await asyncio.sleep(600)
"""


def test_workers_that_were_killed_disturb_neither_the_next_run_nor_a_run_beside_it(
    kit_project: KitProject, postgresql: Server
) -> None:
    kit_project.profile(postgresql.url())
    of_a_run_beside = f"{postgresql.prefix}_test_run_main_{os.getpid()}_1"  # this process lives
    of_another_host = f"{postgresql.prefix}_test_run_main_1_1"
    postgresql.run(f"CREATE DATABASE {of_a_run_beside}")
    postgresql.run(f"COMMENT ON DATABASE {of_a_run_beside} IS '{mark('run')}'".replace(":", "\\:"))
    postgresql.run(f"CREATE DATABASE {of_another_host}")
    # No process here has such a number: on this machine it would have ended.
    elsewhere = json.dumps({**json.loads(mark("run")), "host": "another-host", "process": 2**22 + 1}).replace(
        ":", "\\:"
    )
    postgresql.run(f"COMMENT ON DATABASE {of_another_host} IS '{elsewhere}'")
    kit_project.write("pyproject.toml", OPTIONS + APP + METADATA)
    kit_project.write("test_app.py", HEAD + KILLED_WORKERS)
    run = start(kit_project, "-n", "2")
    while len(list(kit_project.root.glob("ready-*"))) < 2:
        assert run.poll() is None, run.communicate()[0]
        os.sched_yield()
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert sum("_run_gw" in name for name in postgresql.databases()) == 4  # a base and a copy of each worker
    result = kit_project.run(PARALLEL, "-n", "2")
    assert result.passed, result.output
    left = sorted(name.partition("_template_")[0] for name in postgresql.databases())
    beside = [name.removeprefix(f"{postgresql.prefix}_") for name in (of_another_host, of_a_run_beside)]
    assert left == sorted(["test", "test", *beside])


def test_a_database_whose_maker_was_killed_before_it_could_say_whose_it_is(
    kit_project: KitProject, postgresql: Server
) -> None:
    kit_project.profile(postgresql.url())
    kit_project.run(PARALLEL)
    template = next(name for name in postgresql.databases() if "_template_" in name)
    postgresql.run(f"COMMENT ON DATABASE {postgresql.prefix}_{template} IS NULL")
    postgresql.run(
        f"CREATE DATABASE {postgresql.prefix}_test_run_main_1_1 TEMPLATE {postgresql.prefix}_{template} {MARKED}"
    )
    postgresql.run(f"CREATE DATABASE {postgresql.prefix}_test_run_of_somebody_else")
    result = kit_project.again()
    assert result.passed, result.output
    assert sorted(postgresql.databases()) == sorted(["test", "test_run_of_somebody_else", template])


def test_a_template_whose_maker_was_killed_before_it_could_say_whose_it_is_on_mysql(
    kit_project: KitProject, mysql: Server
) -> None:
    kit_project.profile(mysql.url())
    kit_project.run(PARALLEL)
    template = next(name for name in mysql.databases() if "_template_" in name)
    mysql.run(f"DROP DATABASE {mysql.prefix}_{template}")
    mysql.run(f"CREATE DATABASE {mysql.prefix}_{template}")
    result = kit_project.again()
    assert result.passed, result.output


def test_a_driver_without_an_address_gets_a_server(kit_project: KitProject) -> None:
    kit_project.models("sqlite")
    kit_project.write("myfy.toml", '[data.profiles.main]\ndriver = "postgresql"\n')
    result = kit_project.run(
        """
        async def test_of_the_server(data):
            await store("a")
            async with module.session() as session:
                assert "PostgreSQL 18" in (await session.execute(text("SELECT version()"))).scalar()
        """,
        options=APP + METADATA + 'myfy_data_server = "embedded"\n',
    )
    assert result.passed, result.output


NOTHING_LEFT = """
@pytest.mark.parametrize("time", [1, 2])
async def test_that_stores(time):
    assert await names() == []
    await store("a")
"""
OF_A_SERVER_OF_ITS_OWN = """
import pytest

from myfy_data import DatabaseSettings, DataSettings
from myfy_data.servers.find import find_server


@pytest.fixture(scope="session")
def server():
    with find_server("{backend}", "embedded") as server:
        yield server


@pytest.fixture(scope="session")
def data_settings(server):
    settings = DatabaseSettings(database_url=server.url("shop_test"))
    return DataSettings(environment="test", profiles={{"main": settings}})
"""


@pytest.mark.parametrize("backend", STARTABLE)
@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "a worker"])
def test_a_server_of_a_fixture_ends_after_the_kit(
    kit_project: KitProject, backend: str, arguments: tuple[str, ...]
) -> None:
    kit_project.models("sqlite")
    kit_project.write("conftest.py", OF_A_SERVER_OF_ITS_OWN.format(backend=backend))
    result = kit_project.run(NOTHING_LEFT, *arguments)
    assert result.passed, result.output


def test_only_urls_where_that_is_said(kit_project: KitProject) -> None:
    kit_project.models("sqlite")
    kit_project.write("myfy.toml", '[data.profiles.main]\ndriver = "postgresql"\n')
    result = kit_project.run("async def test_x(data): ...", options=APP + METADATA + 'myfy_data_server = "url"\n')
    assert 'gives a driver and no address, and myfy_data_server is "url"' in result.output


def test_sqlite_in_the_place_of_a_server_is_said_aloud(kit_project: KitProject) -> None:
    kit_project.models("sqlite")
    kit_project.write("myfy.toml", '[data.profiles.main]\ndriver = "mysql"\n')
    kit_project.write(
        "conftest.py", "import myfy_data.testing.served as served\n\nserved.find_server = lambda *_: None\n"
    )
    result = kit_project.run("async def test_x(data):\n    await store('a')\n")
    assert result.passed, result.output
    assert "NOT MYSQL: profile 'main' ran on SQLite" in result.output


async def test_copies_cost_neither_a_look_at_the_migrations_nor_one_for_leftovers(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for the run is enough, however many tests have a database of their own."""
    work: list[str] = []
    read, sweep = Schema.hash, PostgreSQLDatabase.drop_leftovers

    async def noted_sweep(database: PostgreSQLDatabase) -> None:
        work.append("sweep")
        await sweep(database)

    monkeypatch.setattr(Schema, "hash", lambda schema: (work.append("hash"), read(schema))[1])
    monkeypatch.setattr(PostgreSQLDatabase, "drop_leftovers", noted_sweep)
    settings = DatabaseSettings(database_url=postgresql.url())
    database = PostgreSQLDatabase("main", settings, Schema(metadata=MetaData()), "")
    await database.prepare()
    for _ in range(3):
        await database.begin("database")
        await database.end("database", is_altered=False)
    await database.close()

    assert sorted(work) == ["hash", "sweep"]
