"""Text is read by the kind of its key, never guessed (contract C3.6)."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myfy_data.layers.key_spec import Kind
from myfy_data.layers.variables.coercion import TextError, Verbatim, read_text, verbatim


def refused(kind: Kind, text: str) -> TextError | None:
    try:
        read_text(kind, text)
    except TextError as error:
        return error
    return None


@given(st.text())
def test_text_loses_the_space_around_it_and_nothing_else(text: str) -> None:
    assert read_text(Kind.TEXT, f" {text}\n") == text.strip()


@given(st.integers(-(10**90), 10**90))
def test_whole_numbers_are_read(number: int) -> None:
    assert read_text(Kind.INTEGER, f" {number} ") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read(number: float) -> None:
    assert read_text(Kind.NUMBER, str(number)) == number


@given(st.sampled_from(Kind), st.text(max_size=200))
def test_anything_else_is_refused_with_what_was_expected_and_without_the_text(kind: Kind, text: str) -> None:
    refusal = refused(kind, text)

    assert refusal is None or str(refusal) == f"expected {refusal.expected}"
    assert refusal is None or refusal.expected.startswith(kind.value)


@given(
    st.recursive(st.none() | st.booleans() | st.integers(), lambda inner: st.dictionaries(st.text(), inner, max_size=3))
)
def test_json_is_read(value: Any) -> None:
    import json  # noqa: PLC0415 - the oracle

    assert read_text(Kind.JSON_VALUE, json.dumps(value)) == value


@pytest.mark.parametrize("levels", [64, 65])
def test_json_has_at_most_64_levels(levels: int) -> None:
    text = "[" * levels + "]" * levels

    if levels <= 64:
        assert read_text(Kind.JSON_VALUE, text)
    else:
        with pytest.raises(TextError, match="at most 64 levels"):
            read_text(Kind.JSON_VALUE, text)


def test_every_text_of_a_value_becomes_verbatim_at_any_depth() -> None:
    base = Path("/base")

    value = verbatim({"a": ["x", {"b": "y"}], "c": Path("z"), "d": 1, "e": ("t",)}, base)

    texts = [value["a"][0], value["a"][1]["b"], value["c"], value["e"][0]]
    assert value == {"a": ["x", {"b": "y"}], "c": "z", "d": 1, "e": ["t"]}
    assert [(type(text), text.base_dir) for text in texts] == [(Verbatim, base)] * 4


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_verbatim_text_survives_copying_and_pickling(twin: Any) -> None:
    again = twin(Verbatim("x", Path("/base")))

    assert (again, type(again), again.base_dir) == ("x", Verbatim, Path("/base"))
