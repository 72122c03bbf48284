"""Key paths and origins as people read and write them (contract C3.10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myfy_data.origins import DEFAULT, Origin, format_key, parse_key


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("pool_size", ("pool_size",)),
        ("profiles.main.pool_size", ("profiles", "main", "pool_size")),
        ('connect_args."server.name"', ("connect_args", "server.name")),
        ('"a.b".c."d.e"', ("a.b", "c", "d.e")),
        ("", ("",)),
    ],
)
def test_a_dotted_key_is_split_at_its_dots_outside_quotes(text: str, path: tuple[str, ...]) -> None:
    assert parse_key(text) == path


@given(st.lists(st.text(st.characters(exclude_characters='"'), min_size=1), min_size=1).map(tuple))
def test_a_path_survives_the_way_to_text_and_back(path: tuple[str, ...]) -> None:
    assert parse_key(format_key(path)) == path


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin("myfy.toml", 4, 1), "myfy.toml:4:1"),
        (Origin("environment", variable="MYFY_DATA_ECHO"), "env MYFY_DATA_ECHO"),
        (Origin(".env", 2, 8, "MYFY_DATA_ECHO"), ".env:2:8"),
        (Origin("argument"), "argument"),
        (DEFAULT, "default"),
    ],
)
def test_an_origin_reads_as_a_place_that_can_be_opened(origin: Origin, text: str) -> None:
    assert str(origin) == text
