"""`MigrationManager` and `DataModule(migrations=...)` (contract C8, C4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from myfy_data import (
    ConfigError,
    DatabaseSettings,
    DataModule,
    MigrationError,
    MigrationManager,
    RevisionMismatchError,
    UnknownProfileError,
)
from tests.migrating import MigratedProject, apart, migrated
from tests.sandbox import Sandbox


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="sqlite", analytics="sqlite") as app:
        yield app


def test_the_manager_does_what_the_commands_do(app: MigratedProject) -> None:
    def life() -> list[object]:
        manager = MigrationManager()
        path = manager.revision("users")
        assert path is not None
        (first,) = manager.history()
        up = manager.upgrade()
        return [
            path.name == f"{first.revision}_users.py",
            (up.outcome, up.after) == ("upgraded", (first.revision,)),
            manager.current().is_at_head,
            manager.check().ok,
            manager.revision("again") is None,
            manager.downgrade().after == (),
        ]

    assert apart(life) == [True] * 6


async def test_inside_a_running_loop_it_works_too(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')

    report = MigrationManager("analytics").upgrade("base")

    assert report.outcome == "nothing to do"
    assert MigrationManager().upgrade().after == ("001",)


def test_a_failure_is_raised_with_what_ran(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.revision("002", "raise RuntimeError('no')", parent="001")

    error = app.failure()

    assert (type(error), error.profile, error.reason) == (
        MigrationError,
        "main",
        "revision 002 failed: RuntimeError: no",
    )
    assert error.facts == ("complete before it: 001", "nothing of 002 is in the database: it was rolled back")


def test_settings_of_one_profile_are_filled_from_the_layers(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    elsewhere = DatabaseSettings(database_url="sqlite:///./elsewhere.db")

    apart(lambda: MigrationManager(settings=elsewhere).upgrade())

    assert (app.sandbox.path / "elsewhere.db").exists()
    assert app.tables() == set()


def test_an_unknown_profile_is_told_at_first_need(app: MigratedProject) -> None:
    manager = MigrationManager("analitics")

    with pytest.raises(UnknownProfileError, match="Did you mean 'analytics'"):
        manager.history()


async def test_check_at_start_names_the_revision_found_and_the_one_wanted(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.revision("002", 'table("b")', parent="001")
    app.upgrade("001")

    with pytest.raises(RevisionMismatchError, match="at revision 001, and this code wants 002") as caught:
        await DataModule(migrations="check").start()

    assert (caught.value.found, caught.value.wanted) == (("001",), ("002",))


async def test_check_at_start_is_content_at_head(app: MigratedProject) -> None:
    app.revision("001", 'table("a")')
    app.upgrade()

    async with DataModule(migrations="check"):
        pass


async def test_upgrade_at_start_migrates_every_profile_that_is_ours(app: MigratedProject) -> None:
    for profile in ("main", "analytics"):
        app.revision("001", f'table("{profile}")', profile=profile)

    async with DataModule(migrations="upgrade") as data, data.session("analytics") as session:
        await session.execute(text("SELECT * FROM analytics"))

    assert app.tables("main") == {"main", "alembic_version"}


async def test_upgrade_at_start_fills_a_database_in_memory(project: Sandbox) -> None:
    app = MigratedProject(project, {"main": "sqlite://"})
    app.sandbox.write("migrations/main/env.py", "from myfy_data.migrations import run_env\n\nrun_env()\n")
    app.revision("001", 'table("a")')

    async with DataModule(migrations="upgrade") as data, data.session() as session:
        assert list(await session.scalars(text("SELECT count(*) FROM a"))) == [0]


async def test_a_profile_that_belongs_to_others_is_left_alone(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///./a.db"\nmigrations = { enabled = false }\n')

    async with DataModule(migrations="upgrade"):
        pass


async def test_a_module_without_migrations_says_how_to_begin(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///./a.db"\n')

    with pytest.raises(MigrationError, match="fix: myfy-data db init --profile default"):
        await DataModule(migrations="upgrade").start()


async def test_an_optional_profile_that_cannot_be_reached_is_logged(
    app: MigratedProject, caplog: pytest.LogCaptureFixture
) -> None:
    app.revision("001", 'table("a")')
    app.sandbox.setenv("MYFY_DATA_PROFILES__ANALYTICS__DATABASE_URL", "postgresql://x@127.0.0.1:9/x")

    async with DataModule(migrations="upgrade"):
        pass

    assert [record.levelno for record in caplog.records if "'analytics'" in record.message] == [logging.WARNING]


def test_metadata_that_is_a_class_is_refused_with_the_fix(app: MigratedProject) -> None:
    app.sandbox.setenv("MYFY_DATA_PROFILES__MAIN__MIGRATIONS__METADATA", "app.models:Base")

    with pytest.raises(ConfigError, match=r'fix: metadata = "app.models:Base.metadata"'):
        apart(app.manager().check)


async def test_two_tasks_of_one_process_take_turns(app: MigratedProject) -> None:
    app.revision("001", 'note("001")\ntable("a")')
    manager = app.manager()

    reports = await asyncio.gather(*(asyncio.to_thread(manager.upgrade) for _ in range(3)))

    assert {report.after for report in reports} == {("001",)}
    assert app.noted() == ["001"]
