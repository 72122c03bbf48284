"""Contract C3.12: what a relative path is relative to."""

from __future__ import annotations

from pathlib import Path

import pytest

from myfy_data.settings.database_settings import DatabaseSettings
from tests.sandbox import Sandbox

KEYS = ("password_file", "tls_ca", "tls_cert", "tls_key")


@pytest.fixture
def below(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = project.path / "below"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.mark.parametrize("file", ["myfy.toml", "config/local.toml", "config/development.toml"])
@pytest.mark.parametrize("key", KEYS)
def test_in_every_file_it_is_the_project_root(project: Sandbox, below: Path, file: str, key: str) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "postgresql://db/x"\ntls_cert = "x"\n')
    project.write(
        file,
        f'[data]\ndatabase_url = "postgresql://db/x"\ntls_cert = "x"\n{key} = "some/file"\n'.replace(
            'tls_cert = "x"\n' if key == "tls_cert" else "\0", ""
        ),
    )

    assert getattr(project.load().profile(), key) == project.path / "some/file"


@pytest.mark.parametrize("file", ["myfy.toml", "config/local.toml"])
@pytest.mark.parametrize(
    "lines",
    [
        'database_url = "sqlite:///./x.db"\n',
        'driver = "sqlite"\ndatabase = "x.db"\n',
        'database_url = "sqlite:///${X}"\n',
    ],
)
def test_a_sqlite_file_in_a_file_is_too(project: Sandbox, below: Path, file: str, lines: str) -> None:
    project.write("myfy.toml", "")
    project.write(file, "[data.profiles.main]\n" + lines)

    assert project.load(environ={"X": "x.db"}).profile().url.database == f"{project.path}/x.db"


def test_a_migration_directory_in_a_file_is_too(project: Sandbox, below: Path) -> None:
    project.write("myfy.toml", '[data]\n[data.migrations]\ndirectory = "migrations/main"\n')

    assert project.load().profile().migrations.directory == project.path / "migrations/main"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("source", ["environ", "overrides", "dotenv"])
def test_from_environment_and_code_it_is_the_working_directory(
    project: Sandbox, below: Path, source: str, key: str
) -> None:
    project.write(
        "myfy.toml", '[data]\ndatabase_url = "postgresql://db/x"\n' + ("" if key == "tls_cert" else 'tls_cert = "x"\n')
    )
    project.write(".env", f"MYFY_DATA_{key.upper()}=some/file\n" if source == "dotenv" else "")
    environ = {f"MYFY_DATA_{key.upper()}": "some/file"} if source == "environ" else {}
    overrides = {key: Path("some/file")} if source == "overrides" else {}

    assert getattr(project.load(environ=environ, overrides=overrides).profile(), key) == below / "some/file"


@pytest.mark.parametrize(
    ("environ", "overrides"),
    [
        ({"MYFY_DATA_DATABASE_URL": "sqlite:///x.db"}, {}),
        ({"MYFY_DATA_DRIVER": "sqlite", "MYFY_DATA_DATABASE": "x.db"}, {}),
        ({}, {"database_url": "sqlite:///x.db"}),
        ({}, {"profiles.main": {"database_url": "sqlite:///x.db"}}),
    ],
)
def test_a_sqlite_file_from_environment_and_code_is_too(
    project: Sandbox, below: Path, environ: dict[str, str], overrides: dict[str, object]
) -> None:
    project.write("myfy.toml", "")

    assert project.load(environ=environ, overrides=overrides).profile().url.database == f"{below}/x.db"


def test_a_migration_directory_in_json_is_too(project: Sandbox, below: Path) -> None:
    project.write("myfy.toml", "")

    settings = project.load(environ={"MYFY_DATA_MIGRATIONS": '{"directory": "m"}'})

    assert settings.profile().migrations.directory == below / "m"


def test_without_a_file_it_is_the_working_directory(project: Sandbox, below: Path) -> None:
    assert project.load(environ={}).profile().url.database == f"{below}/myfy.db"


def test_a_file_given_as_a_part_goes_by_its_own_layer(project: Sandbox, below: Path) -> None:
    """The URL stands in the file, the part in a variable."""
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///x.db"\n')

    assert project.load(environ={"MYFY_DATA_DATABASE": "y.db"}).profile().url.database == f"{below}/y.db"


@pytest.mark.parametrize("path", ["/abs/x.db", "~/x.db"])
def test_an_absolute_path_stays(project: Sandbox, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("HOME", "/abs")
    project.write("myfy.toml", f'[data]\ndatabase_url = "sqlite:///{path}"\n')

    assert project.load(environ={}).profile().url.database == "/abs/x.db"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_memory_is_no_path(project: Sandbox, url: str) -> None:
    assert project.load(environ={}, overrides={"database_url": url}).profile().url.is_memory


def test_settings_made_by_hand_go_by_the_working_directory(project: Sandbox, below: Path) -> None:
    assert DatabaseSettings(database_url="sqlite:///x.db").url.database == f"{below}/x.db"


def test_one_file_has_one_path_however_it_is_spelt(project: Sandbox) -> None:
    (project.path / "link").symlink_to(project.path)
    urls = ["sqlite:///x.db", "sqlite:///./a/../x.db", "sqlite:///link/x.db"]
    (project.path / "a").mkdir()

    paths = {project.load(environ={}, overrides={"database_url": url}).profile().url.database for url in urls}

    assert paths == {f"{project.path}/x.db"}
