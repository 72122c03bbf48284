"""Tables merge key by key; everything else replaces (contract C3.4)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myfy_data.layers.merge import MISSING, Tree, find, merge, overlaps, without

KEYS = st.sampled_from("abc")
TREES = st.dictionaries(
    KEYS,
    st.recursive(st.integers() | st.lists(st.integers()), lambda inner: st.dictionaries(KEYS, inner, min_size=1)),
    max_size=3,
)


def leaves(tree: Tree, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in tree.items():
        found |= leaves(value, (*path, key)) if isinstance(value, dict) and value else {(*path, key): value}
    return found


@given(TREES, TREES)
def test_every_leaf_of_the_upper_tree_wins(lower: Tree, upper: Tree) -> None:
    merged = merge(lower, upper, lambda path: None)

    assert all(find(merged, path) == value for path, value in leaves(upper).items())


@given(TREES, TREES)
def test_every_leaf_of_the_lower_tree_stays_unless_the_upper_one_touches_it(lower: Tree, upper: Tree) -> None:
    merged = merge(lower, upper, lambda path: None)
    touched = leaves(upper)

    for path, value in leaves(lower).items():
        if not any(path[: len(other)] == other or other[: len(path)] == path for other in touched):
            assert find(merged, path) == value


@given(TREES, TREES)
def test_neither_tree_is_changed(lower: Tree, upper: Tree) -> None:
    before = copy.deepcopy((lower, upper))

    merge(lower, upper, lambda path: None)

    assert (lower, upper) == before


@pytest.mark.parametrize(
    ("lower", "upper"), [({"a": {"b": 1}}, {"a": {"b": {"c": 1}}}), ({"a": {"b": {}}}, {"a": {"b": [1]}})]
)
def test_a_table_against_a_single_value_is_told_with_its_path(lower: Tree, upper: Tree) -> None:
    clashes: list[tuple[str, ...]] = []

    merged = merge(lower, upper, clashes.append)

    assert clashes == [("a", "b")]
    assert merged == upper


@given(TREES, TREES)
def test_trees_without_an_overlap_merge_to_the_same_in_either_order(one: Tree, other: Tree) -> None:
    if list(overlaps(one, other)) == []:
        assert merge(one, other, lambda path: None) == merge(other, one, lambda path: None)


def test_an_overlap_is_where_both_say_something() -> None:
    one = {"a": {"b": 1, "c": 2}, "d": {}, "e": 1}
    other = {"a": {"b": 3}, "d": {"x": 1}, "e": {"y": 1}}

    assert list(overlaps(one, other)) == [("a", "b"), ("e",)]


@given(TREES)
def test_what_is_taken_out_is_missing_and_the_rest_stays(tree: Tree) -> None:
    for path in leaves(tree):
        rest = without(tree, path)

        assert find(rest, path) is MISSING
        assert (
            leaves(rest).items() >= {key: value for key, value in leaves(tree).items() if key[:1] != path[:1]}.items()
        )


@pytest.mark.parametrize("path", [("x",), ("a", "x"), ("a", "b", "x"), ("a", "b", "c")])
def test_what_is_not_there_is_missing(path: tuple[str, ...]) -> None:
    assert find({"a": {"b": None}}, path) is MISSING
    assert find({"a": {"b": None}}, ("a", "b")) is None
