"""Several profiles in one request: the order of COMMITs, and the names in the error (contract C5.7)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT
from tests.sandbox import child_environment

PROGRAM = """
import asyncio, sys
from sqlalchemy import event
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from myfy_data import DatabaseSettings, DataModule, DataSettings, PartialCommitError
from myfy_data.integrations.starlette import get_session, setup
from tests.hosts.client import request, started, told
from tests.hosts.tables import Note, Reply, create_tables

NAMES = ["zebra", "ant", "main", "bee"]
profiles = {name: DatabaseSettings(database_url=f"sqlite+aiosqlite:///{sys.argv[1]}/{name}.db") for name in NAMES}
data = DataModule(settings=DataSettings(default="main", profiles=profiles))
committed = []

async def handler(request):
    sessions = {name: get_session(request, name) for name in sorted(NAMES)}
    for name in NAMES:  # the order of first use, not that of asking
        sessions[name].add(Note(text="a"))
        await sessions[name].flush()
    sessions["main"].add(Reply(note_id=12345))
    return PlainTextResponse("")

async def main():
    app = Starlette(routes=[Route("/", handler)])
    setup(app, data)
    async with started(app):
        for name in NAMES:
            await create_tables(data.get_engine(name))
            event.listen(data.get_engine(name).sync_engine, "commit", lambda _, name=name: committed.append(name))
        answer = await request(app, "/")
    print(answer.status, committed, told(answer.raised, PartialCommitError))

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(5))
def test_profiles_are_committed_in_the_order_of_their_first_use(tmp_path: Path, seed: int) -> None:
    environ = child_environment()
    paths = os.pathsep.join([environ["PYTHONPATH"], str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environ | {"PYTHONPATH": paths, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
    )

    error = "profile 'main': its COMMIT failed, after these profiles were committed: 'zebra', 'ant'"
    assert done.stdout.rstrip() == f"500 ['zebra', 'ant', 'main'] {error}", done.stderr
