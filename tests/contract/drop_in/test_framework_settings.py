"""`load_settings` and `override` of myfy.core are heard (contract C15, seed S2, S11)."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from myfy_data import ConfigError, DatabaseSettings, DataModule, load_settings
from tests.contract.snippets.applications import Applications
from tests.sandbox import Sandbox

pytestmark = pytest.mark.myfy

FILE = """
    [data]
    environment = "staging"
    [data.profiles.main]
    database_url = "postgresql://app:${SECRET}@db/main"
    pool_size = 7
    [data.profiles.main.sqlite]
    busy_timeout = 9.0
"""


@pytest.fixture
def framework() -> Any:
    from myfy.core import config  # noqa: PLC0415 - not there on Python 3.11

    return config


def test_myfys_loader_gives_the_default_profile_of_all_layers(project: Sandbox, framework: Any) -> None:
    project.write("myfy.toml", FILE)
    project.setenv("SECRET", "canary-of-the-framework")
    project.setenv("MYFY_DATA_POOL_TIMEOUT", "4.5")

    settings = framework.load_settings(DatabaseSettings)

    assert settings == load_settings().profile().model_copy(update={"environment": "staging"})
    assert (settings.pool_size, settings.pool_timeout, settings.sqlite.busy_timeout) == (7, 4.5, 9.0)
    assert settings.url.password is not None
    assert settings.url.password.reveal() == "canary-of-the-framework"
    assert "canary" not in f"{settings!r} {settings.database_url} {settings.model_dump()}"


def test_what_it_gives_is_what_a_module_takes(project: Sandbox, framework: Any) -> None:
    project.write("myfy.toml", FILE)
    project.setenv("SECRET", "x")
    found = framework.load_settings(DatabaseSettings)

    module = DataModule(settings=found)

    assert module.get_settings() == load_settings().profile()
    assert module.settings.environment == "staging"


def test_a_configuration_that_cannot_be_used_is_told_as_ever(project: Sandbox, framework: Any) -> None:
    project.setenv("MYFY_DATA_POOL_SISE", "3")

    with pytest.raises(ConfigError, match="MYFY_DATA_POOL_SISE"):
        framework.load_settings(DatabaseSettings)


def test_the_constructor_itself_reads_nothing(project: Sandbox, framework: Any) -> None:
    project.setenv("MYFY_DATA_POOL_SIZE", "8")

    assert (DatabaseSettings().database_url, DatabaseSettings().pool_size) == (None, 5)


def overridden(framework: Any, **defaults: object) -> type[DatabaseSettings]:
    made: type[DatabaseSettings] = framework.override(DatabaseSettings, **defaults)
    return made


def test_an_override_is_below_all_layers(project: Sandbox, framework: Any) -> None:
    project.write("myfy.toml", "[data]\npool_recycle = 60\n")
    project.setenv("MYFY_DATA_POOL_TIMEOUT", "4.5")
    kind = overridden(framework, pool_size=7, pool_timeout=9.0, pool_recycle=120, database_url="sqlite:///told.db")

    for settings in (DataModule(settings=kind()).get_settings(), framework.load_settings(kind)):
        assert (settings.pool_size, settings.pool_timeout, settings.pool_recycle) == (7, 4.5, 60)
        assert str(settings.url.database).endswith("told.db")


def test_what_its_instance_is_given_is_an_argument(project: Sandbox, framework: Any) -> None:
    project.setenv("MYFY_DATA_POOL_SIZE", "8")

    assert DataModule(settings=overridden(framework, pool_size=7)(pool_size=9)).get_settings().pool_size == 9


def test_it_is_about_the_profile_of_its_module(project: Sandbox, framework: Any) -> None:
    project.write("myfy.toml", '[data.profiles.a]\ndatabase_url = "sqlite://"\n[data.profiles.b]\nextends = "a"\n')

    module = DataModule("b", settings=overridden(framework, pool_size=7)())

    assert (module.get_settings("a").pool_size, module.get_settings("b").pool_size) == (5, 7)


def test_an_override_says_where_it_came_from(project: Sandbox, framework: Any) -> None:
    settings = DataModule(settings=overridden(framework, pool_size=7)()).settings

    assert settings.origin("pool_size").source == "override"
    assert pickle.loads(pickle.dumps(settings)).origin("pool_size").source == "override"


def test_an_url_of_an_override_never_shows_its_password(framework: Any) -> None:
    settings = overridden(framework, database_url="postgresql://app:canary-of-override@db/main")()

    assert "canary-of-override" not in f"{settings} {settings!r} {settings.database_url} {settings.model_dump_json()}"


@pytest.mark.parametrize("value", [0, "x"])
def test_a_value_that_no_setting_takes_is_refused(project: Sandbox, framework: Any, value: object) -> None:
    with pytest.raises(ConfigError, match="pool_size") as caught:
        DataModule(settings=overridden(framework, pool_size=value)()).get_settings()

    assert "fix: pool_size" in str(caught.value)


APPLICATION = """
    from myfy.core import Application, BaseSettings, override
    from myfy.web import route
    from pydantic import Field
    from LIBRARY import DatabaseSettings, DataModule, SessionFactory

    class AppSettings(BaseSettings):
        name: str = "shop"
        database: DatabaseSettings = Field(default_factory=override(DatabaseSettings, pool_size=3, pool_timeout=9.0))

    app = Application(settings_class=AppSettings)
    app.add_module(DataModule())

    @route.get("/pool")
    async def pool(factory: SessionFactory) -> dict:
        return {"size": factory.settings.pool_size, "timeout": factory.settings.pool_timeout}
"""


def test_an_override_on_the_applications_settings_is_used(application: Applications) -> None:
    application.set(MYFY_DATA_POOL_TIMEOUT="4.0")
    application.write(APPLICATION)

    assert application.run(("GET", "/pool")) == [(200, {"size": 3, "timeout": 4.0})]
