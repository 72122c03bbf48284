"""C12.5 in myfy: modules that share engines are reloaded together, and the container gives the settings of now."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.contract.snippets.applications import Applications

pytestmark = pytest.mark.myfy

APP = """
    from pathlib import Path
    from typing import Annotated
    from myfy.core import Application
    from myfy.core.di import Qualifier
    from myfy.web import route
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
    from myfy_data import DatabaseSettings, DataModule, DataSettings

    app = Application()
    first, second = DataModule(), DataModule(profile="other")
    app.add_module(first)
    app.add_module(second)

    @route.get("/sizes")
    async def sizes(session: AsyncSession, settings: DatabaseSettings, all_of_them: DataSettings) -> dict:
        await session.execute(text("SELECT 1"))
        return {
            "container": settings.pool_size,
            "all": all_of_them.profiles["main"].pool_size,
            "pool": first.pool_status("main").size,
            "modules": [each.settings.profile("main").pool_size for each in (first, second)],
        }

    @route.get("/file")
    async def file(session: AsyncSession, engine: AsyncEngine) -> dict:
        found = (await session.execute(text("PRAGMA database_list"))).all()
        return {"file": found[0][2].rpartition("/")[2], "engine": engine.url.database.rpartition("/")[2]}

    @route.get("/reload")
    async def reload() -> dict:
        path = Path("myfy.toml")
        path.write_text(path.read_text().replace("pool_size = 3", "pool_size = 7").replace("one.db", "two.db"))
        report = await second.reload()
        return {"applied": list(report.applied), "swapped": list(report.swapped)}
"""

FILE = """
    [data]
    default = "main"
    [data.profiles.main]
    database_url = "sqlite+aiosqlite:///one.db"
    pool_size = 3
    [data.profiles.other]
    database_url = "sqlite+aiosqlite:///other.db"
"""


@pytest.mark.parametrize("way", ["factory", "web"])
def test_modules_that_share_engines_are_reloaded_together(application: Applications, tmp_path: Path, way: str) -> None:
    application.write(APP)
    (tmp_path / "myfy.toml").write_text(dedent(FILE), encoding="utf-8")
    answers = application.run(
        ("GET", "/sizes"), ("GET", "/file"), ("GET", "/reload"), ("GET", "/sizes"), ("GET", "/file"), way=way
    )

    assert answers == [
        (200, {"container": 3, "all": 3, "pool": 3, "modules": [3, 3]}),
        (200, {"file": "one.db", "engine": "one.db"}),
        (200, {"applied": ["profiles.main.pool_size"], "swapped": ["main"]}),
        (200, {"container": 7, "all": 7, "pool": 7, "modules": [7, 7]}),
        (200, {"file": "two.db", "engine": "two.db"}),
    ]
