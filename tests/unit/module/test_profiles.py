"""Which settings a module uses, and which profiles it will open (contract C4)."""

from __future__ import annotations

import pytest

from myfy_data import ConfigError, DatabaseSettings, DataModule, DataSettings, UnknownProfileError
from tests.sandbox import Sandbox

TWO = """
    [data]
    default = "main"
    [data.profiles.main]
    database_url = "postgresql+asyncpg://app:s3cret@db.internal/main"
    pool_size = 7
    [data.profiles.analytics]
    database_url = "sqlite+aiosqlite:///./analytics.db"
    [data.profiles.base]
    abstract = true
    [data.profiles.old]
    active = false
    database_url = "sqlite+aiosqlite:///./old.db"
"""


def single(**profiles: DatabaseSettings) -> DataSettings:
    return DataSettings(profiles=profiles)


def test_settings_load_when_something_needs_them(project: Sandbox) -> None:
    data = DataModule()
    project.write("myfy.toml", TWO)

    assert data.settings.default == "main"


def test_without_a_file_the_default_profile_is_there(project: Sandbox) -> None:
    assert list(DataModule().profiles) == ["default"]


def test_the_profiles_are_the_active_ones(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)

    assert list(DataModule().profiles) == ["main", "analytics"]


def test_the_modules_default_is_the_profile_it_was_given(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    data = DataModule(profile="analytics")

    assert (data.get_session_factory().profile, data.get_session_factory("main").profile) == ("analytics", "main")


REFUSED = {
    "misspelt": ("analytcs", "Did you mean 'analytics'?"),
    "inactive": ("old", "is not active, so it is never opened"),
    "abstract": ("base", "abstract"),
}


@pytest.mark.parametrize(("profile", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_profile_that_cannot_be_opened_fails_at_start(project: Sandbox, profile: str, words: str) -> None:
    project.write("myfy.toml", TWO)

    with pytest.raises(UnknownProfileError) as caught:
        await DataModule(profile=profile).start()

    assert words in str(caught.value)


def test_an_inactive_profile_is_told_with_the_place_that_says_so(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)

    with pytest.raises(UnknownProfileError) as caught:
        DataModule().session("old")

    assert str(caught.value) == (
        "myfy.toml:11:1: profiles.old: is not active, so it is never opened\n  fix: active = true"
    )


def test_with_finished_settings_it_fails_at_once() -> None:
    with pytest.raises(UnknownProfileError, match="Did you mean 'main'"):
        DataModule(profile="mian", settings=single(main=DatabaseSettings(database_url="sqlite://")))


async def test_no_default_profile_fails_at_start_with_the_fix(project: Sandbox) -> None:
    project.write("myfy.toml", TWO.replace('default = "main"', ""))

    with pytest.raises(ConfigError, match='default = "main"'):
        await DataModule().start()


def test_set_fields_of_database_settings_count_as_arguments(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    project.setenv("MYFY_DATA_POOL_SIZE", "9")
    profile = DataModule(settings=DatabaseSettings(pool_size=3)).settings.profile()

    assert (profile.pool_size, profile.url.host, profile.url.password is not None) == (3, "db.internal", True)


def test_they_may_address_the_database_that_upstream_users_had(project: Sandbox) -> None:
    data = DataModule(settings=DatabaseSettings(database_url="sqlite+aiosqlite:///./app.db", pool_size=4))

    assert str(data.settings.profile().url) == f"sqlite+aiosqlite:///{project.path / 'app.db'}"


def test_a_url_among_them_replaces_the_whole_identity(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    data = DataModule(settings=DatabaseSettings(database_url="postgresql://other@elsewhere/x"))

    assert (data.settings.profile().url.password, data.settings.profile().pool_size) == (None, 7)


def test_so_do_parts_with_a_driver(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    data = DataModule(
        settings=DatabaseSettings(driver="mysql+aiomysql", host="elsewhere", database="x", password="p@/w")
    )
    url = data.settings.profile().url

    assert (url.driver, url.host, url.username, url.database) == ("mysql+aiomysql", "elsewhere", None, "x")
    assert url.password is not None
    assert url.password.reveal() == "p@/w"


def test_parts_without_a_driver_refine_the_address(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    url = DataModule(settings=DatabaseSettings(host="elsewhere")).settings.profile().url

    assert (url.host, url.database) == ("elsewhere", "main")


def test_nested_tables_are_merged_key_by_key(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\nsqlite = {journal_mode = "delete"}')
    profile = DataModule(settings=DatabaseSettings(sqlite={"busy_timeout": 1.5})).settings.profile()

    assert (profile.sqlite.busy_timeout, profile.sqlite.journal_mode) == (1.5, "delete")


def test_they_are_about_the_modules_profile(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    settings = DataModule(profile="analytics", settings=DatabaseSettings(pool_size=3)).settings

    assert (settings.profile("analytics").pool_size, settings.profile("main").pool_size) == (3, 7)


def test_upstreams_environment_argument_names_the_environment(project: Sandbox) -> None:
    data = DataModule(settings=DatabaseSettings(database_url="sqlite://", environment="production"))

    assert (data.settings.environment, data.settings.blocks_auto_create) == ("production", True)


def test_the_modules_own_environment_wins(project: Sandbox) -> None:
    data = DataModule(settings=DatabaseSettings(environment="production"), environment="test")

    assert data.settings.environment == "test"


def test_finished_settings_leave_nothing_to_load(project: Sandbox) -> None:
    settings = single(main=DatabaseSettings(database_url="sqlite://"))

    with pytest.raises(ConfigError, match="only one of them"):
        DataModule(settings=settings, files=["myfy.toml"])


def test_files_are_exactly_those(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    project.write("other.toml", "[data]\npool_size = 2")

    assert DataModule(files=["other.toml"]).settings.profile().pool_size == 2


def test_an_unknown_policy_for_migrations_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected 'off', 'check' or 'upgrade', got 'sometimes'"):
        DataModule(migrations="sometimes")  # type: ignore[arg-type]  # what a user may write


def test_tables_are_not_made_twice() -> None:
    with pytest.raises(ConfigError, match="would both make the tables"):
        DataModule(migrations="upgrade", auto_create_tables=True)


def test_no_secret_shows_in_a_repr(project: Sandbox) -> None:
    project.write("myfy.toml", TWO)
    data = DataModule(profile="main")

    assert (repr(data), repr(data.get_session_factory())) == (
        "DataModule(profile='main')",
        "SessionFactory(profile='main')",
    )


def test_settings_in_the_place_of_the_profiles_name_are_refused_with_the_fix() -> None:
    """Upstream's first positional argument was `settings`."""
    with pytest.raises(ConfigError, match=r"fix: DataModule\(settings=\.\.\.\)"):
        DataModule(DatabaseSettings(pool_size=3))  # type: ignore[arg-type]  # what a user of upstream writes
