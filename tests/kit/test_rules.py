"""What a test may use, and what fails it although the application swallowed it (contract C13.2, C13.3)."""

from __future__ import annotations

import pytest

from tests.kit.conftest import Server
from tests.kit.project import APP, METADATA, KitProject

UNDECLARED = """
async def swallows():
    try:
        await names("audit")
    except Exception:
        pass


async def test_undeclared():
    await swallows()


async def test_undeclared_in_a_commit():
    try:
        await store("a", "audit")
    except Exception:
        pass


async def test_undeclared_in_a_task():
    await asyncio.create_task(swallows())


async def runs_jobs(queue, done):
    while True:
        job = await queue.get()
        try:
            await job()
        except Exception:
            pass  # a runner goes on with the next job
        done.set()


@pytest.fixture
async def job():
    queue, done = asyncio.Queue(), asyncio.Event()
    runner = asyncio.create_task(runs_jobs(queue, done))
    queue.put_nowait(lambda: store("a job", "audit"))
    yield done.wait
    runner.cancel()
    await asyncio.gather(runner, return_exceptions=True)


async def test_undeclared_in_a_job(job):
    await job()


@pytest.mark.data("main", "audit")
async def test_declared_in_a_job(job):
    await job()
    assert await names("audit") == ["a job"]


@pytest.mark.data("main", "audit")
async def test_declared():
    await store("a", "audit")
    assert await names("audit") == ["a"]


@pytest.mark.data("audit")
async def test_that_replaces_the_default():
    await swallows()
    try:
        await store("a")
    except Exception:
        pass


async def test_that_asks_for_health(data):
    async with data:
        assert (await data.health()).ok
"""


def test_an_undeclared_profile_fails_the_test_also_when_the_error_was_swallowed(
    kit_project: KitProject, any_url: str, postgresql: Server
) -> None:
    kit_project.profile(any_url)
    kit_project.profile(postgresql.url("audit"), "audit", "required = true")
    with (kit_project.root / "myfy.toml").open("a") as file:
        file.write('[data]\ndefault = "main"\n')
    result = kit_project.run(UNDECLARED)
    assert result.outcomes == {
        "test_undeclared": "failed",
        "test_undeclared_in_a_commit": "failed",
        "test_undeclared_in_a_task": "failed",
        "test_undeclared_in_a_job": "failed",
        "test_declared_in_a_job": "passed",
        "test_declared": "passed",
        "test_that_replaces_the_default": "failed",
        "test_that_asks_for_health": "passed",
    }, result.output
    assert "which it does not declare (app/main.py:" in result.told("test_undeclared_in_a_commit")
    told = result.told("test_undeclared")
    assert "test_undeclared used profile 'audit', which it does not declare (app/main.py:" in told
    assert '@pytest.mark.data("main", "audit")' in told


OF_OTHER_ERRORS = """
from myfy_data import DataModuleError


@pytest.mark.parametrize("profile", ["template", "asleep", "nowhere"])
async def test_of(profile):
    with pytest.raises(DataModuleError) as caught:
        await names(profile)
    print(f"told: {caught.value}")
"""


def test_profiles_that_cannot_be_used_keep_their_own_errors(kit_project: KitProject) -> None:
    kit_project.profile("sqlite://")
    kit_project.profile("sqlite://", "template", "abstract = true")
    kit_project.profile("sqlite://", "asleep", "active = false")
    with (kit_project.root / "myfy.toml").open("a") as file:
        file.write('[data]\ndefault = "main"\n')
    result = kit_project.run(OF_OTHER_ERRORS)
    assert result.passed, result.output
    told = [line for line in result.output.splitlines() if line.startswith("told: ")]
    assert ["abstract" in told[0], "active" in told[1], "nowhere" in told[2]] == [True, True, True], told
    assert "does not declare" not in "".join(told)


def test_a_profile_that_the_options_allow_needs_no_mark(kit_project: KitProject) -> None:
    kit_project.profile("sqlite://")
    kit_project.profile("sqlite://", "audit")
    with (kit_project.root / "myfy.toml").open("a") as file:
        file.write('[data]\ndefault = "main"\n')
    result = kit_project.run(UNDECLARED, options=APP + METADATA + 'myfy_data_profiles = "main audit"\n')
    assert [result.outcome("test_undeclared"), result.outcome("test_that_replaces_the_default")] == [
        "passed",
        "failed",
    ], result.output


def test_without_a_default_profile_each_test_names_its_own(kit_project: KitProject) -> None:
    kit_project.profile("sqlite://")
    kit_project.profile("sqlite://", "audit")
    result = kit_project.run(
        """
@pytest.mark.data("audit")
async def test_named(data):
    async with module.session("audit") as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_not_named(data): ...
        """,
        options=APP,
    )
    assert result.outcomes == {"test_named": "passed", "test_not_named": "error"}, result.output
    assert "no profile was named and none is the default" in result.told("test_not_named")


def test_profiles_of_one_database_share_the_connection_and_a_replica_stays_read_only(
    kit_project: KitProject, postgresql: Server
) -> None:
    kit_project.profile(postgresql.url())
    kit_project.profile(postgresql.url(), "replica", "read_only = true")
    with (kit_project.root / "myfy.toml").open("a") as file:
        file.write('[data]\ndefault = "main"\n')
    result = kit_project.run(
        """
from myfy_data import ReadOnlySessionError


async def test_of_both():
    await store("a")
    assert await names("replica") == ["a"]
    with pytest.raises(ReadOnlySessionError):
        await store("b", "replica")
    with pytest.raises(ReadOnlySessionError):
        async with module.session(read_only=True) as session:
            session.add(Item(name="c"))
    await store("d")
    assert await names() == ["a", "d"]
        """,
        options=APP + METADATA + 'myfy_data_profiles = ["main", "replica"]\n',
    )
    assert result.passed, result.output


QUERIES = """
async def test_counting(data, assert_num_queries):
    with data.queries() as seen, data.queries("main") as of_main:
        await store("a")
        async with module.session() as session:
            async with session.begin_nested():
                await session.execute(select(Item))
    assert (seen.count, of_main.count) == (2, 2)
    seen.assert_no_repeats()
    with assert_num_queries(1):
        await names()
    with data.assert_num_queries(1):
        await names()


async def test_too_many(data):
    with data.assert_num_queries(1):
        await names()
        await names()


@pytest.fixture
async def stored(data):
    for name in "abc":
        await store(name)


@pytest.mark.data(max_queries=1)
async def test_of_the_body_only(stored):
    await names()


@pytest.mark.data(max_queries=1)
async def test_over_the_budget():
    for _ in range(3):
        await names()


async def test_that_health_and_start_do_not_count(data):
    with data.queries() as seen:
        async with data:
            await data.health()
    assert seen.count == 0
"""


def test_statements_are_counted_and_listed_with_their_places(kit_project: KitProject, any_url: str) -> None:
    kit_project.profile(any_url)
    result = kit_project.run(QUERIES)
    assert result.outcomes == {
        "test_counting": "passed",
        "test_too_many": "failed",
        "test_of_the_body_only": "passed",
        "test_over_the_budget": "failed",
        "test_that_health_and_start_do_not_count": "passed",
    }, result.output
    told = result.told("test_over_the_budget")
    assert "at most 1 statements are allowed, 3 were sent" in told
    assert "3 x SELECT items.name" in told
    assert "3 x at app/main.py:" in told


REFUSE = """
from sqlalchemy.exc import DBAPIError


async def test_of_a_statement(data):
    data.refuse("main", sqlstate="40001", times=2)
    for _ in range(2):
        with pytest.raises(DBAPIError) as caught:
            await store("a")
    if module.get_settings().url.backend == "postgresql":
        assert caught.value.orig.sqlstate == "40001"
        assert type(caught.value.orig.__cause__).__name__ == "SerializationError"
    await store("b")
    assert await names() == ["b"]


async def test_of_a_commit(data):
    with pytest.raises(DBAPIError):
        async with module.session() as session:
            session.add(Item(name="a"))
            await session.flush()
            data.refuse("main", sqlstate="40001")
    assert await names() == []


async def test_in_a_block(data):
    with data.refuse("main", sqlstate="40001"):
        with pytest.raises(DBAPIError):
            await names()


async def test_that_does_not_fire(data):
    data.refuse("main", sqlstate="40001")


async def test_that_does_not_fire_in_a_block(data):
    with data.refuse("main", sqlstate="40001"):
        pass


async def test_after_all(data):
    await store("z")
    assert await names() == ["z"]
"""


def test_errors_on_purpose_are_those_of_the_driver(kit_project: KitProject, any_url: str) -> None:
    kit_project.profile(any_url)
    result = kit_project.run(REFUSE)
    assert result.outcomes == {
        "test_of_a_statement": "passed",
        "test_of_a_commit": "passed",
        "test_in_a_block": "passed",
        "test_that_does_not_fire": "failed",
        "test_that_does_not_fire_in_a_block": "failed",
        "test_after_all": "passed",
    }, result.output
    assert "fired 0 times only" in result.told("test_that_does_not_fire")


NOTHING = """
async def test_nothing(data):
    assert await names() == []
"""


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("myfy.toml", '[data.profiles.other]\ndatabase_url = "{other}"\n'),
        ("config/production.toml", '[data.profiles.main]\ndatabase_url = "{other}"\n'),
        ("config/local.toml", '[data.profiles.main]\ndatabase_url = "{other}"\n'),
        (".env", "MYFY_DATA_DATABASE_URL={other}\n"),
        ("config/staging.toml", '[data.profiles.main]\ndatabase_url = "{other}"\npassword = "${{NOWHERE_SAID}}"\n'),
    ],
)
def test_the_database_of_another_environment_is_refused(
    kit_project: KitProject, postgresql: Server, file: str, text: str
) -> None:
    kit_project.profile(postgresql.url())
    with (kit_project.root / "myfy.toml").open("a") as base:
        base.write('[data]\ndefault = "main"\n')
    other = postgresql.url().replace("127.0.0.1", "LOCALHOST").replace("postgresql+asyncpg", "postgres")
    with (kit_project.root / file).open("a") as layer:
        layer.write(text.format(other=other))
    result = kit_project.run(NOTHING, options=APP + METADATA)
    assert not result.passed
    assert "is the database of environment" in result.output
    assert "fix: config/test.toml: [data.profiles.main]" in result.output
    assert postgresql.databases() == []


ELSEWHERE = """
[data]
secrets_dir = "/nowhere/that/production/mounts"
[data.profiles.main]
database_url = "${PRODUCTION_URL}"
pool_size = "${PRODUCTION_POOL:?is set there}"
"""


def test_an_environment_that_needs_what_is_not_here_is_no_obstacle(kit_project: KitProject) -> None:
    kit_project.profile("sqlite:///./shop_test.db")
    kit_project.write("config/production.toml", ELSEWHERE)
    result = kit_project.run(NOTHING)
    assert result.passed, result.output


def test_an_environment_that_cannot_be_loaded_is_refused_with_the_command_that_tells_why(
    kit_project: KitProject,
) -> None:
    kit_project.profile("sqlite:///./shop_test.db")
    kit_project.write("config/production.toml", "[data.profiles.main]\npool_sise = 5\n")
    result = kit_project.run(NOTHING)
    assert not result.passed
    assert "environment 'production' cannot be loaded" in result.output
    assert "fix: myfy-data config check --environment production" in result.output


def test_a_project_without_settings_of_its_own_for_tests_is_refused(kit_project: KitProject) -> None:
    kit_project.models("sqlite")
    kit_project.write("myfy.toml", '[data.profiles.main]\ndatabase_url = "sqlite:///./shop.db"\n')
    result = kit_project.run(NOTHING)
    assert not result.passed
    assert "shop_test.db" in result.output
    assert not (kit_project.root / "shop.db").exists()
