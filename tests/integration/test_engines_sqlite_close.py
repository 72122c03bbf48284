"""What a SQLite file looks like after the engine was closed."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from myfy_data.engines.registry import EngineRegistry
from myfy_data.settings.database_settings import DatabaseSettings


async def test_a_closed_engine_leaves_one_file_that_holds_everything(tmp_path: Path) -> None:
    """The last connection checkpoints the journal, so that a copy of the file alone is complete."""
    registry = EngineRegistry({"main": DatabaseSettings(database_url=f"sqlite+aiosqlite:///{tmp_path}/app.db")})
    async with registry.get("main").begin() as connection:
        await connection.execute(text("CREATE TABLE item (id INTEGER)"))

    await registry.close()

    assert [path.name for path in tmp_path.iterdir()] == ["app.db"]
