"""S2: flat variables set the default profile, with the promised defaults."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import Applications

pytestmark = pytest.mark.myfy

SHOW = """
    from myfy.core import Application
    from myfy.web import route
    from myfy_data import DatabaseSettings, DataModule, DataSettings

    app = Application()
    app.add_module(DataModule())

    @route.get("/settings")
    async def show(profile: DatabaseSettings, settings: DataSettings) -> dict:
        names = ("pool_size", "max_overflow", "pool_timeout", "pool_recycle", "pool_pre_ping", "echo")
        shown = {name: getattr(profile, name) for name in names}
        return {**shown, "database_url": profile.database_url.reveal(), "environment": settings.environment}
"""

DEFAULTS = {
    "database_url": "sqlite+aiosqlite:///./myfy.db",
    "pool_size": 5,
    "max_overflow": 10,
    "pool_timeout": 30.0,
    "pool_recycle": 3600,
    "pool_pre_ping": True,
    "echo": False,
    "environment": "development",
}

SAID = {
    "database_url": ("sqlite+aiosqlite:///./other.db", "sqlite+aiosqlite:///./other.db"),
    "pool_size": ("7", 7),
    "max_overflow": ("2", 2),
    "pool_timeout": ("12.5", 12.5),
    "pool_recycle": ("60", 60),
    "pool_pre_ping": ("false", False),
    "echo": ("true", True),
    "environment": ("staging", "staging"),
}


def test_the_defaults(application: Applications) -> None:
    application.write(SHOW)

    assert application.run(("GET", "/settings")) == [(200, DEFAULTS)]


def test_each_variable_sets_its_value(application: Applications) -> None:
    application.set(**{f"MYFY_DATA_{name.upper()}": text for name, (text, _) in SAID.items()})
    application.write(SHOW)

    assert application.run(("GET", "/settings")) == [(200, {name: value for name, (_, value) in SAID.items()})]
