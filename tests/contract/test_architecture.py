"""The page on architecture shows the house as it is, and its walks as they are walked."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import myfy_data
from myfy_data import DataModule
from myfy_data.integrations.starlette import get_session, setup
from tests.pages import ROOT

PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = Path(myfy_data.__file__).parent

_STEP = re.compile(r"^\d+\. `([\w/]+\.py)` `([\w.]+)`", re.MULTILINE)
_FLOOR = re.compile(r"^[a-z]+(?: +[a-z]+)*$")

Called = list[tuple[str, str]]


def drawing() -> list[list[str]]:
    """The floors of the drawing, each with the words on it, the first one first."""
    block = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    return [line.split() for line in block[1].splitlines() if _FLOOR.match(line)]


def walk(title: str) -> Called:
    """The steps of one walk: file and function."""
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return _STEP.findall(section)


@contextmanager
def recorded() -> Iterator[Called]:
    """The functions of the package in the order of their first calls."""
    called: Called = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(PACKAGE)):
            here = Path(code.co_filename).relative_to(PACKAGE).as_posix()
            called.append((here, code.co_qualname))

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


def in_order(steps: Called, called: Called) -> Called:
    """The steps that were not called, or not in the place where they stand in the list."""
    firsts = {step: called.index(step) for step in steps if step in called}
    missing = [step for step in steps if step not in firsts]
    order = sorted(firsts, key=lambda step: firsts[step])
    return missing + [step for step, expected in zip(firsts, order, strict=True) if step != expected]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataModule:
    (tmp_path / "myfy.toml").write_text('[data.profiles.main]\ndatabase_url = "sqlite+aiosqlite:///./walk.db"\n')
    monkeypatch.chdir(tmp_path)
    return DataModule()


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner() as runner:
        runner.run(main())


def test_the_drawing_has_the_folders_of_each_floor() -> None:
    inside = {name: rest for name, *rest in drawing()}

    for name in ("layers", "profiles", "settings", "engines"):
        folders = [path.parent.name for path in sorted((PACKAGE / name).glob("*/__init__.py"))]
        assert inside[name] == folders


def test_the_drawing_has_the_floors_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(contract for contract in contracts if contract["name"].startswith("Floors"))["layers"]
    exists = {path.stem for path in PACKAGE.iterdir()}
    checked = [[word for word in re.findall(r"\w+", floor) if word in exists] for floor in floors]
    lowest = next(place for place, floor in enumerate(checked) if "layers" in floor)

    drawn = [
        [name] if name in ("layers", "profiles", "settings", "engines") else [name, *rest] for name, *rest in drawing()
    ]

    assert [sorted(floor) for floor in drawn] == [
        sorted(floor) for floor in reversed(checked[: lowest + 1]) if floor != ["__main__"]
    ]


def test_a_value_goes_from_the_file_to_the_engine_as_the_page_says(module: DataModule) -> None:
    async def main() -> None:
        async with module.session() as session:
            await session.execute(text("select 1"))

    with recorded() as called:
        run(main)
    run(module.stop)

    steps = walk("From a file to an engine")
    assert len(steps) > 15
    assert in_order(steps, called) == []


def test_a_request_goes_to_its_commit_as_the_page_says(module: DataModule) -> None:
    async def write(request: Request) -> JSONResponse:
        await get_session(request).execute(text("insert into visits values (1)"))
        return JSONResponse({})

    app = Starlette(routes=[Route("/", write)])
    setup(app, module)
    sent: list[str] = []
    called: Called = []

    async def main() -> None:
        async with module:
            async with module.session() as session:
                await session.execute(text("create table visits (place integer)"))
            with recorded() as seen:
                await app(_SCOPE, _receive, send)
            called.extend(seen)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    run(main)

    steps = walk("From a request to COMMIT")
    assert len(steps) > 10
    assert in_order(steps, called) == []
    assert sent == ["http.response.start", "http.response.body"]


_SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "raw_path": b"/",
    "root_path": "",
    "query_string": b"",
    "headers": [],
    "http_version": "1.1",
    "scheme": "http",
    "server": ("localhost", 80),
    "client": ("127.0.0.1", 50000),
}


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
