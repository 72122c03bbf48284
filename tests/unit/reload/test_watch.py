"""Files are looked at by their numbers, so a link that leads elsewhere is a change as well (contract C12.5; ADR 39)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from myfy_data import load_settings
from myfy_data.layers.loader import LoadRequest
from myfy_data.reload.paths import watched_paths
from myfy_data.reload.watch import state_of, watch
from tests.asyncio_servers import PATIENCE
from tests.sandbox import Sandbox

Wait = Callable[[], "asyncio.Future[None]"]


@asynccontextmanager
async def watching(*paths: Path) -> AsyncIterator[asyncio.Queue[None]]:
    told: asyncio.Queue[None] = asyncio.Queue()

    async def tell() -> None:
        told.put_nowait(None)

    looks = asyncio.Event()

    def look() -> tuple[Path, ...]:
        looks.set()
        return paths

    task = asyncio.create_task(watch(look, 0.01, tell))
    try:
        await looks.wait()  # what stands there now is known
        yield told
    finally:
        task.cancel()
        await asyncio.wait([task])


async def heard(told: asyncio.Queue[None]) -> None:
    async with asyncio.timeout(PATIENCE):
        await told.get()


def mounted(folder: Path, text: str) -> Path:
    """A file as Kubernetes mounts it from a ConfigMap: by two links."""
    data = folder / "..2026_01"
    data.mkdir()
    (data / "myfy.toml").write_text(text, encoding="utf-8")
    (folder / "..data").symlink_to(data.name)
    (folder / "myfy.toml").symlink_to("..data/myfy.toml")
    return folder / "myfy.toml"


def swap(folder: Path, text: str) -> None:
    """Have the inner link lead to another folder, at once, as Kubernetes does."""
    data = folder / "..2026_02"
    data.mkdir()
    (data / "myfy.toml").write_text(text, encoding="utf-8")
    (folder / "..data_tmp").symlink_to(data.name)
    os.replace(folder / "..data_tmp", folder / "..data")  # noqa: PTH105 - as the kubelet's rename


async def test_a_config_map_that_is_swapped_is_noticed(tmp_path: Path) -> None:
    path = mounted(tmp_path, "a = 1\n")
    async with watching(path) as told:
        swap(tmp_path, "a = 1\n")

        await heard(told)


@pytest.mark.parametrize("change", ["write", "replace", "create", "delete"])
async def test_each_way_to_change_a_file_is_noticed(tmp_path: Path, change: str) -> None:
    path, other = tmp_path / "myfy.toml", tmp_path / "other.toml"
    if change != "create":
        path.write_text("a = 1\n", encoding="utf-8")
    async with watching(path) as told:
        if change in ("write", "create"):
            path.write_text("a = 22\n", encoding="utf-8")
        elif change == "replace":
            other.write_text("a = 2\n", encoding="utf-8")
            other.replace(path)
        else:
            path.unlink()

        await heard(told)


async def test_a_secret_that_is_mounted_later_is_noticed(tmp_path: Path) -> None:
    async with watching(tmp_path) as told:
        (tmp_path / "PASSWORD").write_text("x", encoding="utf-8")

        await heard(told)


async def test_a_file_that_is_still_being_written_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "myfy.toml"
    path.write_text("a = 1\n", encoding="utf-8")
    seen: list[str] = []
    states = 0

    async def read() -> None:
        seen.append(path.read_text(encoding="utf-8"))

    def paths() -> list[Path]:
        nonlocal states
        states += 1
        if 1 < states < 6:  # one more line before each look
            path.write_text("a = 1\n" * states, encoding="utf-8")
        return [path]

    monkeypatch.setattr("myfy_data.reload.watch.SETTLE", 0.0)
    task = asyncio.create_task(watch(paths, 0.01, read))
    async with asyncio.timeout(PATIENCE):
        while not seen:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert seen == ["a = 1\n" * 5]


def test_what_is_not_there_has_no_state(tmp_path: Path) -> None:
    assert state_of([tmp_path / "nothing"]) == {}


def test_every_file_of_a_project_is_looked_at_also_before_it_is_there(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nsecrets_dir = "secrets"\ndatabase_url = "sqlite://"\n')
    (project.path / "secrets").mkdir()

    paths = watched_paths(LoadRequest(project.path), load_settings())

    shown = {str(path.relative_to(project.path)) for path in paths}
    assert {"myfy.toml", "myfy.yaml", "config/development.toml", "config/local.yml", ".env", "secrets"} <= shown


def test_files_that_were_named_are_looked_at_and_no_others(project: Sandbox) -> None:
    project.write("one.toml", '[data]\ndatabase_url = "sqlite://"\n')
    settings = load_settings(files=["one.toml"])

    assert watched_paths(LoadRequest(project.path, ["one.toml"]), settings) == [project.path / "one.toml"]
    project.setenv("MYFY_DATA_CONFIG", "one.toml")
    assert watched_paths(LoadRequest(project.path), settings) == [project.path / "one.toml"]
