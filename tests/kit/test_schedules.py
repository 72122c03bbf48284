"""No schedule of sessions gives in a test's transaction what separate connections would not give (contract C13.2)."""

from __future__ import annotations

import re
from pathlib import Path

from tests.kit.conftest import Server
from tests.kit.project import KitProject

SCHEDULES = Path(__file__).parent / "applications/schedules.py"

COMPARED = """
from collections import Counter
from pathlib import Path

import pytest_asyncio

from app.schedules import OVERLAP, at_once, make_schedule, one_after_the_other, rows
from myfy_data import DatabaseSettings, DataModule, DataSettings

outcomes = Counter()
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def beside():
    settings = DatabaseSettings(database_url={url!r}, pool_size=5)
    async with DataModule(settings=DataSettings(profiles={{"main": settings}})) as other:
        yield other.get_session_factory()
    Path("outcomes").write_text(" ".join(f"{{name}}={{count}}" for name, count in sorted(outcomes.items())))


@pytest.mark.parametrize("number", range(500))
async def test_schedule(number, data, beside):
    steps, here = make_schedule(number), data.get_session_factory()
    try:
        if number % 2:
            steps, given = await at_once(here, steps)
        else:
            given = await one_after_the_other(here, steps)
    except SessionError as error:
        assert OVERLAP in str(error)
        outcomes["overlap"] += 1
        return
    found = await rows(here)
    async with beside.session_context() as session:
        await session.execute(text("DELETE FROM items"))
        await session.execute(text("DELETE FROM slots"))
    assert given == await one_after_the_other(beside, steps), steps
    assert found == await rows(beside), steps
    outcomes["same"] += 1
    outcomes["failed"] += any(isinstance(each, tuple) for each in given)
    outcomes["deferred"] += any(
        name == "commit" and each == ("IntegrityError", "23505") for (_, name, _), each in zip(steps, given)
    )
"""


def test_five_hundred_schedules_give_what_separate_connections_give_or_the_overlap_error(
    kit_project: KitProject, postgresql: Server
) -> None:
    kit_project.profile(postgresql.url())
    kit_project.write("app/schedules.py", SCHEDULES.read_text())
    kit_project.run('@pytest.mark.data(isolation="database")\ndef test_that_makes_the_template(data): ...')
    [template] = [name for name in postgresql.databases() if "_template_" in name]
    postgresql.run(f"CREATE DATABASE {postgresql.prefix}_beside TEMPLATE {postgresql.prefix}_{template}")
    result = kit_project.run(COMPARED.format(url=postgresql.url("beside")))
    assert result.passed, result.output
    assert len(result.outcomes) == 500
    outcomes = {
        name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", (kit_project.root / "outcomes").read_text())
    }
    assert outcomes["same"] + outcomes["overlap"] == 500
    assert outcomes["same"] > 250, outcomes
    assert outcomes["failed"] > 50, outcomes
    assert outcomes["deferred"] > 10, outcomes
