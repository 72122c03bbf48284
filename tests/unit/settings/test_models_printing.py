"""Settings print without their secrets (contract C4)."""

from __future__ import annotations

import json
import ssl

import pytest
from pydantic import ValidationError

from myfy_data.settings.database_settings import DatabaseSettings

C = "c4nary"
URL = f"postgresql+asyncpg://app:{C}@db.internal/main"

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


def test_printing_masks_secrets_everywhere() -> None:
    settings = full()

    shown = [str(settings), repr(settings), str(settings.model_dump()), settings.model_dump_json(), str(settings.url)]

    assert all(C not in text for text in shown)
    assert repr(settings.url).count(C) == 0


def test_printing_of_the_url_shows_stars_and_reveal_gives_the_text() -> None:
    url = full().database_url

    assert url is not None
    assert str(url) == "postgresql+asyncpg://app:***@db.internal/main"
    assert url.reveal() == URL


def test_printing_as_json_has_a_word_for_what_json_cannot_hold() -> None:
    settings = DatabaseSettings(database_url="sqlite://", connect_args={"ssl": ssl.create_default_context(), "x": b"1"})

    assert json.loads(settings.model_dump_json())["connect_args"]["ssl"] == "SSLContext"
    assert settings.model_dump()["connect_args"]["ssl"] is settings.connect_args["ssl"]


def test_printing_of_a_validation_error_shows_no_input() -> None:
    with pytest.raises(ValidationError) as caught:
        DatabaseSettings.model_validate({"database_url": URL, "password": C, "pool_size": "x", "connect_args": C})

    assert C not in str(caught.value)
