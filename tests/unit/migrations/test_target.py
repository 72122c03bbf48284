"""Which profiles are migrated, and which are not and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from myfy_data import ConfigError, DatabaseSettings, DataSettings
from myfy_data.migrations.connection import migration_settings
from myfy_data.migrations.target import resolve_all, resolve_target, startup_targets
from myfy_data.settings.models import MigrationSettings
from tests.sandbox import Sandbox

LITE = "sqlite:///./main.db"


def load(project: Sandbox, text: str) -> DataSettings:
    project.write("myfy.toml", f'[data]\ndefault = "main"\n[data.profiles.main]\ndatabase_url = "{LITE}"\n{text}')
    return project.load()


def test_a_directory_that_is_not_set_is_named_after_the_profile(project: Sandbox) -> None:
    assert resolve_target(load(project, "")).directory == project.path / "migrations" / "main"


def test_a_directory_is_relative_to_the_project_root(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(project, 'migrations = { directory = "db/main" }')
    monkeypatch.chdir("/")

    assert resolve_target(settings).directory == project.path / "db" / "main"


def test_profiles_may_share_a_directory(project: Sandbox) -> None:
    settings = load(
        project,
        'migrations = { directory = "shared" }\n[data.profiles.shard]\nextends = "main"\ndatabase_url = "sqlite:///s.db"',
    )

    assert resolve_target(settings, "shard").directory == resolve_target(settings).directory


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("read_only = true", "read_only is true"),
        ("active = false", "active is false"),
        ("migrations = { enabled = false }", "migrations.enabled is false"),
    ],
)
def test_a_profile_that_is_not_ours_is_refused_and_passed_over(project: Sandbox, line: str, reason: str) -> None:
    settings = load(project, line)

    with pytest.raises(ConfigError) as caught:
        resolve_target(settings)
    targets, passed = resolve_all(settings)

    assert caught.value.problems[0].place.startswith("myfy.toml:")
    assert (targets, [skipped.reason for skipped in passed]) == ([], [reason])


def test_a_database_in_memory_is_migrated_at_start_only() -> None:
    settings = DataSettings(profiles={"main": DatabaseSettings(database_url="sqlite://")})

    assert [target.profile for target in startup_targets(settings, "main")] == ["main"]
    assert resolve_all(settings)[0] == []


def test_at_start_a_profile_without_a_directory_is_left_alone_unless_it_is_the_default(project: Sandbox) -> None:
    settings = load(project, '[data.profiles.other]\ndatabase_url = "sqlite:///o.db"')

    assert [target.profile for target in startup_targets(settings, "main")] == ["main"]


def test_autogenerate_sees_no_profiles_version_table(project: Sandbox) -> None:
    settings = load(
        project,
        '[data.profiles.other]\ndatabase_url = "sqlite:///o.db"\nmigrations = { version_table = "theirs" }',
    )

    versions = {"alembic_version", "alembic_version_progress", "theirs", "theirs_progress"}
    assert resolve_target(settings).hidden == versions | {"myfy_data_marker", "myfy_data_seeds"}


def test_a_migration_has_deadlines_of_its_own() -> None:
    settings = DatabaseSettings(
        database_url=LITE,
        command_timeout=1,
        statement_timeout=1,
        pool_size=50,
        migrations=MigrationSettings(command_timeout=7),
    )

    changed = migration_settings(settings)

    assert (changed.command_timeout, changed.statement_timeout, changed.pool_size) == (7, None, 1)
    assert changed.url.database == settings.url.database


def test_a_name_that_the_user_gave_the_application_stays() -> None:
    assert migration_settings(DatabaseSettings(application_name="mine")).application_name == "mine"


def test_without_a_file_paths_are_relative_to_the_working_directory(project: Sandbox) -> None:
    settings = DataSettings(profiles={"main": DatabaseSettings(database_url=LITE)})

    assert resolve_target(settings).root == Path.cwd()
