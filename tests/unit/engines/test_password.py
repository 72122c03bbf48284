"""Passwords are fetched when they are needed, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from myfy_data.engines.connect.password import load_password
from myfy_data.errors import DatabaseConnectionError
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings

URL = "postgresql://app:from-url@db/main"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "password"


def load(settings: DatabaseSettings) -> Secret | None:
    return load_password("main", "db", settings)


def test_the_password_of_the_url_is_used() -> None:
    assert load(DatabaseSettings(database_url=URL)) == Secret("from-url")


def test_a_password_of_its_own_wins_over_the_urls() -> None:
    assert load(DatabaseSettings(database_url=URL, password="own")) == Secret("own")


def test_a_file_wins_over_the_urls(file: Path) -> None:
    file.write_text("from-file")

    assert load(DatabaseSettings(database_url=URL, password_file=file)) == Secret("from-file")


def test_no_password_is_none() -> None:
    assert load(DatabaseSettings(database_url="postgresql://app@db/main")) is None


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"plain", "plain"),
        (b"line\n", "line"),
        (b"windows\r\n", "windows"),
        (b"two\n\n", "two\n"),
        (b" spaces \n", " spaces "),
        (b"carriage\r", "carriage\r"),
        ("€\n".encode(), "€"),
    ],
)
def test_one_newline_at_the_end_goes_and_nothing_else(file: Path, content: bytes, password: str) -> None:
    file.write_bytes(content)

    assert load(DatabaseSettings(database_url=URL, password_file=file)) == Secret(password)


def test_the_file_is_read_each_time(file: Path) -> None:
    settings = DatabaseSettings(database_url=URL, password_file=file)
    file.write_text("before")
    load(settings)
    file.write_text("after")

    assert load(settings) == Secret("after")


def test_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseConnectionError, match=f"secret file {tmp_path} is a directory"):
        load(DatabaseSettings(database_url=URL, password_file=tmp_path))


def test_a_file_that_may_not_be_read_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file.write_text("secret")
    monkeypatch.setattr("myfy_data.layers.variables.secrets_dir.open_regular", refuse)

    with pytest.raises(DatabaseConnectionError, match=f"cannot be read: permission denied\n  fix: chmod u\\+r {file}"):
        load(DatabaseSettings(database_url=URL, password_file=file))
