"""The last layer that speaks wins for every leaf, against an independent oracle (contract C2, C3.2, C3.4, C3.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from pydantic import BaseModel

from myfy_data import DatabaseSettings
from myfy_data.redaction import Secret
from tests.unit.settings.spelling import loaded
from tests.unit.settings.stacks import Stack, nested, stacks, winners


def plain(value: Any) -> Any:
    """A setting as the layers say it."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    return str(value) if isinstance(value, Path) else value


def filled(value: Any) -> Any:
    """The tree without tables that hold nothing: `unset` leaves the table that the key stood in."""
    if not isinstance(value, dict):
        return value
    inner = {key: filled(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item not in ({}, None)}


def expected(leaves: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """The oracle's values over the defaults of the models."""
    values = {name: plain(info.get_default(call_default_factory=True)) for name, info in FIELDS.items()}
    for key, value in nested({key: leaf.value for key, leaf in leaves.items()}).items():
        values[key] = {**(values[key] or {}), **value} if isinstance(value, dict) else value
    return values


FIELDS = DatabaseSettings.model_fields


@given(stacks())
@settings(max_examples=150)
def test_every_setting_has_the_value_of_the_last_layer_that_speaks(stack: Stack) -> None:
    with loaded(stack) as (loaded_settings, _):
        found = {name: plain(profile) for name, profile in loaded_settings.profiles.items()}
    wanted = {name: expected(leaves) for name, leaves in winners(stack).items() if name not in stack.abstract}
    assert filled(found) == filled(wanted)


@given(stacks())
@settings(max_examples=30)
def test_unnamed_use_means_the_default_profile(stack: Stack) -> None:
    with loaded(stack) as (loaded_settings, _):
        assert loaded_settings.profile() is loaded_settings.profiles[stack.default]
