"""myfy: what the container hands out while a module starts, stops and starts again (contract C4, C6, C15)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import async_sessionmaker

from myfy_data import (
    AsyncEngine,
    DatabaseSettings,
    DataModule,
    DataModuleNotConfiguredError,
    DataSettings,
    SessionFactory,
)

pytestmark = pytest.mark.myfy

QUALIFIERS = pytest.mark.parametrize("qualifier", [None, "main", "analytics"])


def settings(directory: Path) -> DataSettings:
    profiles = {
        name: DatabaseSettings(database_url=f"sqlite+aiosqlite:///{directory / name}.db")
        for name in ("main", "analytics")
    }
    return DataSettings(default="main", profiles=profiles)


def application(*modules: Any) -> Any:
    from myfy.core import Application  # noqa: PLC0415 - not there on Python 3.11

    app = Application(auto_discover=False)
    for module in modules:
        app.add_module(module)
    return app


async def use(app: Any, qualifier: str | None = None) -> int:
    """What the container's engine answers."""
    async with app.container.get(AsyncEngine, qualifier).connect() as connection:
        answer: int = (await connection.execute(text("SELECT 1"))).scalar_one()
        return answer


async def serve(app: Any, qualifier: str | None = None) -> list[int]:
    """One life of the application: both ways to its database."""
    await app.start()
    try:
        answers = [await use(app, qualifier)]
        async with app.container.get(SessionFactory, qualifier).session_context() as session:
            answers.append(await session.scalar(text("SELECT 2")))
        return answers
    finally:
        await app.stop()


@QUALIFIERS
def test_a_restart_in_another_loop_hands_out_a_live_engine(tmp_path: Path, qualifier: str | None) -> None:
    app = application(DataModule(settings=settings(tmp_path)))

    assert [asyncio.run(serve(app, qualifier)) for _ in range(3)] == [[1, 2]] * 3


@QUALIFIERS
async def test_a_restart_in_the_same_loop_does_too(tmp_path: Path, qualifier: str | None) -> None:
    app = application(DataModule(settings=settings(tmp_path)))

    assert [await serve(app, qualifier) for _ in range(2)] == [[1, 2]] * 2


def test_each_loop_gets_its_engine_also_without_a_stop(tmp_path: Path) -> None:
    app = application(DataModule(settings=settings(tmp_path)))
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(app.start())
        answers = [first.run(use(app)), second.run(use(app)), first.run(use(app))]
        first.run(app.stop())

    assert answers == [1, 1, 1]


async def test_between_start_and_stop_it_is_the_one_engine(tmp_path: Path) -> None:
    data = DataModule(settings=settings(tmp_path))
    app = application(data)
    await app.start()
    get = app.container.get

    assert get(AsyncEngine) is get(AsyncEngine) is get(AsyncEngine, "main") is data.get_engine()
    await app.stop()


async def use_kept(app: Any, engine: AsyncEngine) -> list[int]:
    """One life of an application of which a part keeps the engine, and a maker of sessions on it."""
    await app.start()
    try:
        async with engine.connect() as connection:
            answers = [await connection.scalar(text("SELECT 1"))]
        async with async_sessionmaker(engine)() as session:
            answers.append(await session.scalar(text("SELECT 2")))
        async with engine.begin() as connection:
            answers.append(await connection.scalar(text("SELECT 3")))
        return answers
    finally:
        await app.stop()


@QUALIFIERS
def test_an_engine_that_is_kept_survives_restarts_in_other_loops(tmp_path: Path, qualifier: str | None) -> None:
    app = application(DataModule(settings=settings(tmp_path)))
    app.initialize()
    kept = app.container.get(AsyncEngine, qualifier)

    assert [asyncio.run(use_kept(app, kept)) for _ in range(3)] == [[1, 2, 3]] * 3


async def test_an_engine_that_is_kept_tells_listeners_and_options_as_any_other(tmp_path: Path) -> None:
    data = DataModule(settings=settings(tmp_path))
    app = application(data)
    app.initialize()
    kept = app.container.get(AsyncEngine)
    await app.start()
    seen: list[str] = []
    event.listen(kept.sync_engine, "before_cursor_execute", lambda *event: seen.append(event[2]))

    async with kept.execution_options(logging_token="jobs").connect() as connection:
        await connection.execute(text("SELECT 1"))

    assert (kept.dialect.name, kept.url.get_backend_name(), seen) == ("sqlite", "sqlite", ["SELECT 1"])
    assert kept == data.get_engine()
    assert kept != data.get_engine("analytics")
    await app.stop()


def test_two_modules_that_share_their_engines_start_again(tmp_path: Path) -> None:
    both = settings(tmp_path)
    app = application(DataModule(settings=both), DataModule(profile="analytics", settings=both))

    assert [asyncio.run(serve(app, "analytics")) for _ in range(2)] == [[1, 2]] * 2


def test_an_engine_that_another_module_took_early_is_not_kept(tmp_path: Path) -> None:
    from myfy.core.kernel.module import BaseModule  # noqa: PLC0415 - not there on Python 3.11

    class Early(BaseModule):  # type: ignore[misc]  # myfy ships no types that mypy may see
        def __init__(self) -> None:
            super().__init__("early")

        def configure(self, container: Any) -> None:
            """Register nothing."""

        def finalize(self, container: Any) -> None:
            container.get(AsyncEngine)

    app = application(Early(), DataModule(settings=settings(tmp_path)))

    assert [asyncio.run(serve(app)) for _ in range(2)] == [[1, 2]] * 2


class Reports:
    """A singleton of the application, made with an engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine


def make_reports(engine: AsyncEngine) -> Reports:
    return Reports(engine)


async def test_a_singleton_may_depend_on_an_engine(tmp_path: Path) -> None:
    data = DataModule(settings=settings(tmp_path))
    app = application(data)
    app.container.register(Reports, make_reports)
    await app.start()

    assert app.container.get(Reports).engine is data.get_engine()
    await app.stop()


@QUALIFIERS
async def test_settings_are_answered_after_the_stop(tmp_path: Path, qualifier: str | None) -> None:
    given = settings(tmp_path)
    app = application(DataModule(settings=given))
    await app.start()
    await app.stop()

    assert app.container.get(DatabaseSettings, qualifier) is given.profiles[qualifier or "main"]
    assert app.container.get(DataSettings) is given


@QUALIFIERS
async def test_settings_are_answered_before_the_start(tmp_path: Path, qualifier: str | None) -> None:
    given = settings(tmp_path)
    app = application(DataModule(settings=given))
    app.initialize()

    assert app.container.get(DatabaseSettings, qualifier) is given.profiles[qualifier or "main"]


async def test_an_engine_is_not_handed_out_after_the_stop(tmp_path: Path) -> None:
    app = application(DataModule(settings=settings(tmp_path)))
    app.initialize()
    kept = app.container.get(AsyncEngine)
    await serve(app)

    with pytest.raises(DataModuleNotConfiguredError, match="was stopped"):
        app.container.get(AsyncEngine)
    with pytest.raises(DataModuleNotConfiguredError, match="was stopped"):
        kept.connect()
