"""S11: settings handed over, or held by the application's own settings."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import IMPORTS, Applications

pytestmark = pytest.mark.myfy

NESTED = """
    from myfy.core import Application, BaseSettings
    from myfy.web import route
    from pydantic import Field
    from pydantic_settings import SettingsConfigDict
    from LIBRARY import DatabaseSettings, DataModule, SessionFactory

    class AppSettings(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__")
        name: str = "shop"
        database: DatabaseSettings = Field(default_factory=lambda: DatabaseSettings(pool_size=3))

    app = Application(settings_class=AppSettings)
    app.add_module(DataModule())

    @route.get("/pool")
    async def pool(factory: SessionFactory) -> dict:
        return {"size": factory.settings.pool_size, "timeout": factory.settings.pool_timeout}
"""

HANDED = """
    from myfy.core import Application
    from myfy.web import route
    from LIBRARY import DatabaseSettings, DataModule, DataSettings, SessionFactory

    given = DatabaseSettings(database_url="sqlite+aiosqlite:///./given.db", pool_size=4, environment="staging")
    app = Application()
    app.add_module(DataModule(settings=given))

    @route.get("/pool")
    async def pool(factory: SessionFactory, settings: DataSettings) -> dict:
        return {"size": factory.settings.pool_size, "environment": settings.environment}
"""


@pytest.mark.parametrize("library", IMPORTS)
def test_a_field_of_the_applications_settings_is_used(application: Applications, library: str) -> None:
    application.write(NESTED, library)

    assert application.run(("GET", "/pool")) == [(200, {"size": 3, "timeout": 30.0})]


def test_such_a_field_may_be_filled_from_text(application: Applications) -> None:
    application.set(APP_DATABASE__POOL_SIZE="9", APP_DATABASE__POOL_TIMEOUT="2.5")
    application.write(NESTED)

    assert application.run(("GET", "/pool")) == [(200, {"size": 9, "timeout": 2.5})]


def test_what_the_field_leaves_out_comes_from_the_layers(application: Applications) -> None:
    application.set(MYFY_DATA_POOL_TIMEOUT="4.0", MYFY_DATA_POOL_SIZE="8")
    application.write(NESTED)

    assert application.run(("GET", "/pool")) == [(200, {"size": 3, "timeout": 4.0})]


def test_two_such_fields_stop_the_start(application: Applications) -> None:
    application.write(NESTED.replace('name: str = "shop"', "other: DatabaseSettings = DatabaseSettings()"))

    assert "AppSettings.other, AppSettings.database" in application.fail()


@pytest.mark.parametrize("library", IMPORTS)
def test_settings_are_handed_over(application: Applications, library: str) -> None:
    application.write(HANDED, library)

    assert application.run(("GET", "/pool")) == [(200, {"size": 4, "environment": "staging"})]
