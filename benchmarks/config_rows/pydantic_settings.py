"""pydantic-settings with its own sources, as its documentation shows them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
    YamlConfigSettingsSource,
)

from config_project import files
from config_rows import Read


class Profile(BaseModel):
    """The 16 keys and no more; plain types, no validator of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str
    password: SecretStr
    application_name: str
    isolation_level: str
    pool_size: int = Field(ge=1)
    max_overflow: int = Field(ge=-1)
    pool_timeout: float = Field(gt=0)
    pool_recycle: int = Field(ge=-1)
    pool_pre_ping: bool
    echo: bool
    read_only: bool
    required: bool
    tls: str
    connect_timeout: float = Field(gt=0)
    command_timeout: float = Field(gt=0)
    close_timeout: float = Field(gt=0)


class Data(BaseModel):
    """The table `data`."""

    profiles: dict[str, Profile]


class Settings(BaseSettings):
    """Both files below the environment."""

    model_config = SettingsConfigDict(env_prefix="BENCH_", env_nested_delimiter="__", extra="ignore")
    paths: ClassVar[list[Path]]

    data: Data

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The stock source of the format, with deep merge."""
        source = TomlConfigSettingsSource if cls.paths[0].suffix == ".toml" else YamlConfigSettingsSource
        in_files = source(settings_cls, cls.paths, deep_merge=True)
        return init_settings, env_settings, dotenv_settings, file_secret_settings, in_files


def load(directory: Path) -> Read:
    """Read, merge, validate."""
    Settings.paths = files(directory)
    profiles = Settings().data.profiles  # type: ignore[call-arg]  # its sources give it
    return lambda profile, key: getattr(profiles[profile], key)
