"""`DatabaseSettings` in an application's own hands (contract C4, seed S11)."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from myfy_data.errors import ConfigError, InvalidDatabaseURLError
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.models import MigrationSettings, SQLiteSettings

C = "c4nary"
URL = f"postgresql+asyncpg://app:{C}@db.internal/main"


def full() -> DatabaseSettings:
    return DatabaseSettings(
        database_url=URL,
        pool_size=7,
        password=C,
        connect_args={"timeout": 5, "password": C, "deep": {"tokens": [C]}},
        engine_options={"plugins": ["x"], "secret": {"a": C}},
        query={"sslpassword": C},
    )


def test_the_constructor_reads_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "myfy.toml").write_text("broken")
    (tmp_path / ".env").write_text("MYFY_DATA_POOL_SIZE=9\nPOOL_SIZE=9\n")
    for name in ("MYFY_DATA_POOL_SIZE", "POOL_SIZE", "DATABASE_URL", "MYFY_DATA_DATABASE_URL"):
        monkeypatch.setenv(name, "garbage")

    settings = DatabaseSettings()

    assert (settings.pool_size, settings.database_url) == (5, None)
    assert settings.model_fields_set == set()


def test_text_is_enough_for_an_application_that_fills_it() -> None:
    """Strictness belongs to files."""
    settings = DatabaseSettings(database_url=URL, pool_size="7", echo="yes", pool_timeout="1.5")  # type: ignore[arg-type]  # what a user may write

    assert (settings.pool_size, settings.echo, settings.pool_timeout) == (7, True, 1.5)


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        full().pool_size = 8  # type: ignore[misc]  # what a user may write


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        DatabaseSettings(poll_size=5)

    assert (
        str(caught.value) == "argument: poll_size: no such setting. Did you mean 'pool_size'?\n  fix: write pool_size"
    )


def test_the_upstream_environment_is_accepted_and_is_no_key() -> None:
    settings = DatabaseSettings(database_url="sqlite://", environment="production")

    assert settings.environment == "production"
    assert "environment" not in settings.model_dump()


@pytest.mark.parametrize(
    "url",
    ["", "x", f"oracle://app:{C}@h/d", f"postgresql://app:{C}@x@h/d", f"postgresql://app:{C}@h:99999/d"],
)
def test_a_url_that_cannot_be_used_has_its_own_exception(url: str) -> None:
    with pytest.raises(InvalidDatabaseURLError) as caught:
        DatabaseSettings(database_url=url)

    assert isinstance(caught.value, ConfigError)
    assert C not in f"{caught.value} {caught.value!r}"
    assert "fix: " in str(caught.value)


@pytest.mark.parametrize("settings", [DatabaseSettings(), DatabaseSettings(driver="oracle")])
def test_an_address_that_cannot_be_used_has_it_too(settings: DatabaseSettings) -> None:
    with pytest.raises(InvalidDatabaseURLError):
        _ = settings.url


@pytest.mark.parametrize("deep", [False, True])
def test_a_changed_copy_has_an_address_of_its_own(deep: bool) -> None:
    first = DatabaseSettings(driver="postgresql", host="db1", database="main")
    before = str(first.url)

    second = first.model_copy(update={"host": "db2"}, deep=deep)

    assert (str(second.url), str(first.url)) == (before.replace("db1", "db2"), before)


def test_the_address_has_the_ports_of_its_servers() -> None:
    settings = DatabaseSettings(driver="postgresql", hosts=["db1", "db2:5433"], database="main")

    assert settings.url.hosts == (("db1", 5432), ("db2", 5433))


def test_a_finite_deadline_is_demanded() -> None:
    with pytest.raises(ConfigError, match="expected a finite number"):
        DatabaseSettings(connect_timeout=float("inf"))


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_it_survives_copying_and_pickling(twin: Any) -> None:
    settings = full()

    again = twin(settings)

    assert again == settings
    assert again.model_fields_set == settings.model_fields_set
    assert again.database_url.reveal() == URL


def test_secrets_of_pydantic_are_taken() -> None:
    settings = DatabaseSettings(database_url="postgresql://db/x", password=SecretStr(C))  # type: ignore[arg-type]  # what a user may write

    assert settings.password is not None
    assert settings.password.reveal() == C


def test_what_is_handed_over_is_copied() -> None:
    given: dict[str, Any] = {"timeout": 5}

    settings = DatabaseSettings(connect_args=given)
    given["timeout"] = 6

    assert settings.connect_args == {"timeout": 5}


class TestNested:
    """A field of the application's own settings class."""

    class Application(BaseSettings):
        """An application's settings."""

        model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__", env_file=None)

        name: str = "app"
        data: DatabaseSettings = DatabaseSettings(database_url="sqlite://")

    def test_in_settings_of_an_application_is_filled_from_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_DATA__DATABASE_URL", URL)
        monkeypatch.setenv("APP_DATA__POOL_SIZE", "7")
        monkeypatch.setenv("APP_DATA__ECHO", "true")
        monkeypatch.setenv("APP_DATA__PASSWORD", C)
        monkeypatch.setenv("APP_DATA__CONNECT_ARGS", '{"timeout": 5}')
        monkeypatch.setenv("APP_DATA__SQLITE__JOURNAL_MODE", "off")

        data = self.Application().data

        assert (data.pool_size, data.echo, data.connect_args, data.sqlite.journal_mode) == (
            7,
            True,
            {"timeout": 5},
            "off",
        )
        assert data.model_fields_set == {"database_url", "pool_size", "echo", "password", "connect_args", "sqlite"}

    def test_in_settings_of_an_application_is_filled_from_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_DATA", json.dumps({"database_url": URL, "pool_size": 7}))

        assert self.Application().data.pool_size == 7

    def test_in_settings_of_an_application_it_prints_masked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("APP_DATA__DATABASE_URL", URL)
        settings = self.Application()

        assert C not in f"{settings} {settings.model_dump()} {settings.model_dump_json()}"

    def test_in_a_plain_model_it_has_a_schema(self) -> None:
        class Outer(BaseModel):
            data: DatabaseSettings

        assert "database_url" in Outer.model_json_schema()["$defs"]["DatabaseSettings"]["properties"]


def test_tables_are_models_of_their_own() -> None:
    settings = DatabaseSettings(sqlite=SQLiteSettings(busy_timeout=1), migrations=MigrationSettings(enabled=False))

    assert (settings.sqlite.busy_timeout, settings.migrations.enabled) == (1.0, False)
