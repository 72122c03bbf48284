"""What users write, for type checkers only: mypy and pyright read it, nothing runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

from myfy_data import (
    AsyncEngine,
    AsyncSession,
    DatabaseSettings,
    DataModule,
    DataSettings,
    HealthReport,
    Origin,
    PoolStatus,
    ReadyReport,
    SessionFactory,
    load_settings,
)

settings = load_settings(overrides={"pool_size": 5})
assert_type(settings, DataSettings)
assert_type(settings.profile("analytics"), DatabaseSettings)
assert_type(settings.origin("pool_size"), Origin)
profiles: Mapping[str, DatabaseSettings] = settings.profiles

data = DataModule(settings=DatabaseSettings(database_url="sqlite+aiosqlite:///./app.db", pool_size=5))
assert_type(data.get_engine(), AsyncEngine)
assert_type(data.get_session_factory("analytics"), SessionFactory)
assert_type(data.pool_status(), PoolStatus)


async def use() -> None:
    """Sessions are SQLAlchemy's, whichever way they come."""
    async with data.session("analytics", read_only=True) as session:
        assert_type(session, AsyncSession)
    async with data.get_session_factory().session_context() as session:
        await session.commit()
    assert_type(await data.health(), HealthReport)
    assert_type(await data.ready(), ReadyReport)
