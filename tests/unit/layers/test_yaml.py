"""YAML is read by the 1.2 core schema, and each key has its exact place (contract C3.9, C3.10)."""

from __future__ import annotations

import math

import pytest

from myfy_data.layers.syntax import Place
from tests.unit.layers.yaml_reading import PARSERS, read

VALUES = [
    *[(text, None) for text in ("", "~", "null", "Null", "NULL")],
    *[(text, True) for text in ("true", "True", "TRUE")],
    *[(text, False) for text in ("false", "False", "FALSE")],
    *[(text, text) for text in ("no", "on", "yes", "off", "y", "nULL", "tRUE")],
    *[(text, text) for text in ("12:30", "1:2:3", "2024-01-01", "1_000", "0b1", "0o8", "0xG", "+0x1", "1e", ".", "<<")],
    *[(text, text) for text in (".info", "+.nan", "1.2.3", "10.0.0.1", "e5", "\u0661")],
    *[("7", 7), ("+7", 7), ("-7", -7), ("0123", 123), ("0o17", 15), ("0x1F", 31), ("00", 0)],
    *[("1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-1e3", -1000.0), ("1E-2", 0.01), ("+.5e1", 5.0)],
    *[(".inf", math.inf), ("+.Inf", math.inf), ("-.INF", -math.inf)],
    *[("'7'", "7"), ('"true"', "true"), ("''", ""), ('"<<"', "<<"), ("|\n    7", "7")],
    *[
        ("!!str 7", "7"),
        ("!!str", ""),
        ("!!int '7'", 7),
        ("!!float 7", 7.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
    ],
    *[("!!map {}", {}), ("!!seq []", []), ("[1, no, ~]", [1, "no", None]), ("\n  - 1\n  - [a]", [1, ["a"]])],
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[repr(text) for text, _ in VALUES])
def test_a_value_means_what_the_core_schema_says(text: str, value: object) -> None:
    tree, _ = read(f"other:\n  key: {text}")

    found = tree["other"]["key"]

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number_is_a_number(text: str) -> None:
    tree, _ = read(f"a: {text}")

    assert math.isnan(tree["a"])


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}", "~"])
@pytest.mark.parametrize("parser", PARSERS)
def test_an_empty_document_is_an_empty_table(text: str, parser: str) -> None:
    tree, locate = read(text, parser)

    assert (tree, locate(("a",))) == ({}, None)


PLACES = [
    ("block", "a: 1\nb: 2", ("b",), (2, 1)),
    ("nested", "a:\n  b:\n    c: 1", ("a", "b", "c"), (3, 5)),
    ("flow", "a: {b: 1, c: {d: 2}}", ("a", "c", "d"), (1, 15)),
    ("quoted", "a: 1\n'b c': 2", ("b c",), (2, 1)),
    ("explicit key", "? a\n: 1\n?  b\n: 2", ("b",), (3, 4)),
    ("behind a block text", "a: |\n  b: 1\n\n  x\nb: 2", ("b",), (5, 1)),
    ("behind quoted lines", "a: 'x\n\n  b: 1'\nb: 2", ("b",), (4, 1)),
    ("behind a list", "a:\n- b: 1\n- x\nb: 2", ("b",), (4, 1)),
    ("inside a list", "a:\n- b: 1", ("a", "b"), None),
    ("CRLF", "a: 1\r\n\r\n# x\r\nb: 2\r\n", ("b",), (4, 1)),
    ("behind characters beyond the BMP", "{'😀é': 1, b: 2}", ("b",), (1, 11)),
    ("through an alias", "a: &x\n  b: 1\nc: *x", ("c", "b"), (2, 3)),
    ("merged", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", ("c", "b"), (1, 8)),
    ("merged table", "a: &x {b: {e: 1}}\nc: {<<: [*x]}", ("c", "b", "e"), (1, 12)),
    ("own key beside a merge", "a: &x {b: 1}\nc:\n  <<: *x\n  b: 2", ("c", "b"), (4, 3)),
    ("the merge itself", "a: &x {b: 1}\nc: {<<: *x}", ("c", "<<"), None),
    ("not there", "a: 1", ("b",), None),
    ("below a scalar", "a: 1", ("a", "b"), None),
    ("the root", "a: 1", (), None),
]


@pytest.mark.parametrize(("text", "path", "place"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
@pytest.mark.parametrize("parser", PARSERS)
def test_a_key_has_its_exact_place(text: str, path: tuple[str, ...], place: Place | None, parser: str) -> None:
    _, locate = read(text, parser)

    assert locate(path) == place


MERGES = [
    ("own keys win", "x: &x {a: 1, b: 1}\nt: {a: 2, <<: *x}", {"a": 2, "b": 1}),
    ("own keys win wherever they stand", "x: &x {a: 1}\nt: {<<: *x, a: 2}", {"a": 2}),
    ("the first of a list wins", "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nt: {<<: [*x, *y]}", {"a": 1, "b": 2}),
    ("a table in place", "t: {<<: {a: 1}}", {"a": 1}),
    ("nothing below is merged", "x: &x {a: {b: 1}}\nt: {<<: *x, a: {c: 2}}", {"a": {"c": 2}}),
    ("merges of merges", "x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nt: {<<: *y}", {"a": 1, "b": 2}),
    ("quotes make it text", "t: {'<<': {a: 1}}", {"<<": {"a": 1}}),
    ("the last anchor of a name counts", "x: &x {a: 1}\ny: &x {a: 2}\nt: *x", {"a": 2}),
    ("scalars have anchors too", "x: &x 7\ny: &k a\nt: {*k : *x}", {"a": 7}),
]


@pytest.mark.parametrize(("text", "table"), [case[1:] for case in MERGES], ids=[case[0] for case in MERGES])
@pytest.mark.parametrize("parser", PARSERS)
def test_anchors_and_merge_keys(text: str, table: object, parser: str) -> None:
    tree, _ = read(text, parser)

    assert tree["t"] == table
