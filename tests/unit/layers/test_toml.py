"""What is wrong with a TOML file is said in plain words, without a line of the file (contract C3.9, C3.11)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from myfy_data.layers.syntax import DEFAULT_LIMITS, LayerSyntaxError, Limits
from myfy_data.layers.toml.reader import parse_toml

QUOTE_IT = '\n  fix: put text in quotes: key = "text"'
EMPTY = 'a value is missing here\n  fix: delete the key, or write "" for empty text'
UNCLOSED = "the text in quotes that starts here is never closed\n  fix: close it with the same quotes"
SINGLE = "\n  fix: write '...' with single quotes to keep every '\\'"
OTHER_KEY = "expected a key\n  fix: put a key with other signs than A-Z a-z 0-9 - _ in quotes"
TWICE = "is set twice\n    first at myfy.toml:{}\n  fix: {}"
MOVE = "put the keys of both under the first, and delete this line"

REFUSALS = [
    ("a = 1\na = 2", "2:1: a: " + TWICE.format("1:1", "delete one of the two lines")),
    ("[a]\n[b]\n[a]", "3:2: a: " + TWICE.format("1:2", MOVE)),
    ("a: 1", "1:2: expected '=' after the key, not ':'\n  fix: write key = value"),
    ("a", "1:2: expected '=' after the key\n  fix: write key = value"),
    ("pool size = 1", "1:6: expected '=' after the key\n  fix: write key = value"),
    ("= 1", "1:1: expected a [table], key = value, or a comment\n  fix: write # before it, or key = value"),
    ("a =", "1:4: " + EMPTY),
    ("a = # text", "1:5: " + EMPTY),
    ("a = nope", "1:5: not a TOML value" + QUOTE_IT),
    ("a = True", "1:5: expected true or false\n  fix: write true"),
    ("a = off", "1:5: expected true or false\n  fix: write false"),
    (
        "a = null",
        '1:5: TOML has no null\n  fix: delete the line; unset = ["key"] removes what a lower layer put there',
    ),
    ("a = 10.0.0.1", "1:9: the line goes on after its value" + QUOTE_IT),
    ('a = "x"y"', '1:8: the text in quotes ends here, but the line goes on\n  fix: write \\" for a quote inside "..."'),
    ('x = 1\na = "x\nb = 1', "2:5: " + UNCLOSED),
    ("a = 'x", "1:5: " + UNCLOSED),
    ("a = '''x\n\n", "1:5: " + UNCLOSED),
    ('a = """x\nfoo', "1:5: " + UNCLOSED),
    ('a = "c:\\path"', "1:8: '\\' starts no escape that TOML knows" + SINGLE),
    ('a = "\\uZZZZ"', "1:6: expected hexadecimal digits after the '\\'" + SINGLE),
    ('a = "\\ud800"', "1:6: this escape stands for no character" + SINGLE),
    ("[a", "1:3: expected ']' at the end of a [table] line\n  fix: end the line with ]"),
    ("[[a]", "1:4: expected ']]' at the end of a [[table]] line\n  fix: end the line with ]]"),
    ("[]", "1:2: " + OTHER_KEY),
    ("a = [1 2", "1:8: expected ',' or ']' in this list\n  fix: write ',' between two values, and ']' after the last"),
    (
        "a = {b = 1 c",
        "1:12: expected ',' or '}' in this table\n  fix: write ',' between two keys, and '}' after the last",
    ),
    ("a = 2024-02-30", "1:5: no such date or time" + QUOTE_IT),
    ('a = "\x01"', '1:6: the control character U+0001 is not allowed\n  fix: delete it, or write \\u0001 inside "..."'),
    (
        "a = 1\rb = 2",
        "1:6: a carriage return without a line feed\n  fix: save the file with one kind of line ends, LF or CRLF",
    ),
    ("a = 1\r\nb = \r\n", "2:5: " + EMPTY),
    ("a = " + "9" * 5000, "1:5: this number has too many digits to be read" + QUOTE_IT),
]


@pytest.mark.parametrize(("text", "message"), REFUSALS, ids=[repr(text[:20]) for text, _ in REFUSALS])
def test_a_refusal_says_where_and_what_and_the_fix(text: str, message: str) -> None:
    with pytest.raises(LayerSyntaxError) as caught:
        parse_toml(text, "myfy.toml", DEFAULT_LIMITS)

    assert str(caught.value) == f"myfy.toml:{message}"


DEEP_NAME = "deep." + ".".join("a" * 990)
HOSTILE = {
    "brackets": (lambda: "a = " + "[" * 1_000_000, "1:68"),
    "braces": (lambda: "{a=".join(["a="] + [""] * 500_000), "1:192"),
    "dots in a key": (lambda: ".".join("a" * 1_000_000) + " = 1", "1:127"),
    "many deep keys": (lambda: "\n".join(f"{DEEP_NAME}.z{number} = 1" for number in range(2000)), "1:130"),
    "keys of a deep table": (lambda: f"[{DEEP_NAME}]\n" + "".join(f"x{n}.a=1\n" for n in range(200_000)), "1:131"),
}


@pytest.mark.parametrize(("make", "place"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_depth_is_refused_before_it_costs_time(make: Callable[[], str], place: str) -> None:
    """Each of these takes the parser alone minutes, or fails in it without a place."""
    with pytest.raises(LayerSyntaxError) as caught:
        parse_toml(make(), "myfy.toml", DEFAULT_LIMITS)

    assert str(caught.value).startswith(f"myfy.toml:{place}: more than 64 levels of tables and lists")


@pytest.mark.parametrize("kind", ["dots in a key", "many deep keys", "keys of a deep table"])
def test_deep_keys_never_reach_the_parser(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time grows with the square of their parts."""
    monkeypatch.setattr("tomli.loads", lambda _: pytest.fail("the parser was called"))

    with pytest.raises(LayerSyntaxError, match="more than 64 levels"):
        parse_toml(HOSTILE[kind][0](), "myfy.toml", DEFAULT_LIMITS)


def test_a_million_open_brackets_without_a_key_are_no_table() -> None:
    with pytest.raises(LayerSyntaxError) as caught:
        parse_toml("[" * 1_000_000, "myfy.toml", DEFAULT_LIMITS)

    assert str(caught.value) == f"myfy.toml:1:3: {OTHER_KEY}"


@pytest.mark.parametrize(
    "text",
    ["a.b.c = 1", "[a.b]\nc = 1", "a = {b = {}}", "[[a]]", "a = [[1]]"],
    ids=["dots", "header", "inline", "tables", "lists"],
)
def test_depth_is_counted_alike_in_every_spelling(text: str) -> None:
    """The same document passes at its own depth of 3 and is refused at 2."""
    parse_toml(text, "myfy.toml", Limits(depth=3))

    with pytest.raises(LayerSyntaxError, match="more than 2 levels"):
        parse_toml(text, "myfy.toml", Limits(depth=2))


def test_values_are_counted() -> None:
    text = "a = [1, 2]\nb = {c = 1}"
    parse_toml(text, "myfy.toml", Limits(values=5))

    with pytest.raises(LayerSyntaxError) as caught:
        parse_toml(text, "myfy.toml", Limits(values=4))

    assert str(caught.value) == "myfy.toml: more than 4 values in one file\n  fix: split the file into overlays"


@pytest.mark.parametrize("parts", range(28, 36))
def test_header_and_key_count_together(parts: int) -> None:
    """The two may make 64 levels, the root among them, however short each is."""
    deep = f"[{'.'.join('a' * parts)}]\n{'.'.join('b' * (64 - parts))} = 1"
    parse_toml(deep, "myfy.toml", Limits())

    with pytest.raises(LayerSyntaxError, match="more than 64 levels"):
        parse_toml(deep.replace("b =", "b.b ="), "myfy.toml", Limits())


def test_many_dots_in_a_text_are_no_deep_key() -> None:
    text = "a = '" + "x." * 200 + "'"

    tree, _ = parse_toml(text, "myfy.toml", DEFAULT_LIMITS)

    assert tree == {"a": "x." * 200}


def test_toml_1_1_is_read() -> None:
    text = 'a = {\n  b = 1, # one\n}\nc = "\\e\\x41"'

    tree, _ = parse_toml(text, "myfy.toml", DEFAULT_LIMITS)

    assert tree == {"a": {"b": 1}, "c": "\x1bA"}


def test_nothing_is_chained_to_a_refusal() -> None:
    """The parser's own error holds the whole text."""
    with pytest.raises(LayerSyntaxError) as caught:
        parse_toml("a = nope", "myfy.toml", DEFAULT_LIMITS)

    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
