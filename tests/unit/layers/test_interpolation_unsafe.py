"""What a URL would read as its own signs is refused, wherever in a URL the reference stands (contract C3.7)."""

from __future__ import annotations

import pytest

from myfy_data.layers.interpolation import InterpolationError, interpolate


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("postgresql://${X}@h/d", "username"),
        ("postgresql://app:${X}@h/d", "password"),
        ("postgresql://${Y}:${X}@h/d", "password"),
        ("postgresql://${Y}${X}@h/d", "username"),
        ("${Y}://app:${X}@h/d", "password"),
    ],
)
def test_it_is_refused_with_the_key_to_give_it_as(url: str, key: str) -> None:
    with pytest.raises(InterpolationError) as caught:
        interpolate(url, {"X": "a@b", "Y": "y"}.get, is_url=True)

    assert caught.value.beside == (key, "${X}")


@pytest.mark.parametrize("url", ["${X}", "postgresql://h/${X}", "postgresql://app@h/${X}", "${X}://app@h/d"])
def test_elsewhere_it_may_hold_anything(url: str) -> None:
    assert "a@b" in interpolate(url, {"X": "a@b"}.get, is_url=True)
