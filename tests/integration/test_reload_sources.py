"""What a reload reads: the sources of the start, whatever has changed around the process (contract C12.5; ADR 39)."""

from __future__ import annotations

import asyncio

import pytest

from myfy_data import ConfigError, DataModule, ReloadReport
from tests.asyncio_servers import PATIENCE
from tests.reloading import Project
from tests.sandbox import Sandbox


@pytest.fixture
def on_file(project: Sandbox) -> Project:
    return Project(project, f"sqlite+aiosqlite:///{project.path / 'app.db'}")


async def test_what_waits_for_a_restart_is_told_and_stays(on_file: Project) -> None:
    other = '[data.profiles.other]\ndatabase_url = "sqlite+aiosqlite:///other.db"'
    on_file.write(more=other, root=('default = "main"', 'environment = "development"'))
    on_file.sandbox.write("config/staging.toml", "[data]\npool_size = 9\n")
    async with DataModule() as data:
        on_file.write(more=other, root=('default = "other"', 'environment = "staging"'))

        report = await data.reload()

        assert report == ReloadReport((), (), ("default", "environment"))
        assert (data.settings.default, data.settings.environment) == ("main", "development")
        assert data.pool_status().size == 5


async def test_secrets_of_another_directory_wait_for_a_restart(on_file: Project) -> None:
    for name, size in (("old", "3"), ("new", "9")):
        on_file.sandbox.write(f"{name}/POOL_SIZE", size)
    on_file.write(root=('secrets_dir = "old"',))
    async with DataModule() as data:
        on_file.write(root=('secrets_dir = "new"',))

        report = await data.reload()

        assert report == ReloadReport((), (), ("secrets_dir",))
        assert (data.pool_status().size, data.settings.secrets_dir) == (3, "old")
        on_file.sandbox.write("old/POOL_SIZE", "4")
        await data.reload()
        assert data.pool_status().size == 4


async def test_a_process_that_changed_its_directory_reads_the_same_files(
    on_file: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (on_file.sandbox.path / "elsewhere").mkdir()
    async with DataModule() as data:
        monkeypatch.chdir(on_file.sandbox.path / "elsewhere")
        on_file.sandbox.write("elsewhere/myfy.toml", "[data]\npool_size = 1\n")
        on_file.write("pool_size = 7")

        assert (await data.reload()).applied == ("profiles.main.pool_size",)


async def test_secrets_that_a_start_had_not_are_refused(on_file: Project) -> None:
    on_file.sandbox.write("secrets/POOL_SIZE", "9")
    async with DataModule() as data:
        on_file.write(root=('default = "main"', 'secrets_dir = "secrets"'))

        with pytest.raises(ConfigError, match=r"myfy.toml:3:1: secrets_dir: cannot be added"):
            await data.reload()

        assert data.pool_status().size == 5


async def test_what_changed_between_the_load_and_the_start_is_noticed(project: Sandbox) -> None:
    text = '[data.reload]\nwatch = true\ninterval = 3600.0\n[data.profiles.main]\ndatabase_url = "sqlite:///app.db"\n'
    project.write("myfy.toml", text)
    data = DataModule()
    before = data.settings.profile().pool_timeout
    project.write("myfy.toml", f"{text}pool_timeout = 7.0\n")

    async with data, asyncio.timeout(PATIENCE):
        while data.settings.profile().pool_timeout == before:
            await asyncio.sleep(0)

    assert data.settings.profile().pool_timeout == 7.0
