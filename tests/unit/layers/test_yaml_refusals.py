"""What a layer may not use in YAML is named with its place and the fix; hostile input is refused (contract C3.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from yaml.scanner import ScannerError

from myfy_data.layers.syntax import Limits
from tests.unit.layers.yaml_reading import PARSERS, read, refusal


def null(place: str, key: str, name: str) -> str:
    return (
        f"myfy.yaml:{place}: {key}: has no value\n"
        f"    for empty text write {name}: '', for an empty table {name}: {{}}; to change nothing delete the line\n"
        f"  fix: unset: [{name}]  # removes what a lower layer put there"
    )


TAG = "only the tags of YAML itself may be used\n  fix: delete the tag; put text that starts with '!' in quotes"
TWICE = "is set twice\n    first at myfy.yaml:{}\n  fix: {}"
DELETE = "delete one of the two lines"
BARE = "a key without ':' and a value\n  fix: write `key: value`, with a space after the colon"
AT_TOP = "expected a table at the top, found {}\n  fix: write `key: value`, with a space after the colon"
STAR = "\n  fix: put text that starts with '*' in quotes"
BRACE = "\n  fix: put text that starts with '{' or '[' in quotes"
ALIGN = "this does not fit what stands before it\n  fix: align the keys of one table; write '' for a quote inside '...'"
QUOTES = "the text in quotes that starts here is never closed\n  fix: close it with the same quotes"
BRACKET = "the bracket that opens here is never closed\n  fix: close it with ']' or '}'"
SPACES = "a tab stands where only spaces may\n  fix: indent with spaces"
SINGLE = "\n  fix: write '...' with single quotes to keep every '\\'"
QUOTE_IT = "\n  fix: put the text in quotes"
TOO_LONG = "this number has too many digits to be read"

REFUSALS = [
    ("data:\n  a:\n", null("2:3", "data.a", "a")),
    ("data: {t: {a: ~}}", null("1:12", "data.t.a", "a")),
    ("data:\n  a: # text\n  b: 1", null("2:3", "data.a", "a")),
    ("data:\n  password: &hunter2\n  b: 1", null("2:3", "data.password", "password")),
    ("data:", "myfy.yaml:1:1: data: has no value\n  fix: data: {}"),
    ("data: {a: [1, ~]}", "myfy.yaml:1:15: data.a.1: has no value\n  fix: delete the item, or write '' for empty text"),
    ("data: {a: [{b: ~}]}", null("1:13", "data.a.0.b", "b")),
    ("x: &x {a: ~}\ndata: {t: {<<: *x}, u: *x}", null("1:8", "data.t.a", "a")),
    ("data: {password:hunter2, b: 1}", f"myfy.yaml:1:8: data: {BARE}"),
    ("data: {b: {'hunter2'}}", f"myfy.yaml:1:12: data.b: {BARE}"),
    ("a: 1\nb: 2\na: 3", "myfy.yaml:3:1: a: " + TWICE.format("1:1", DELETE)),
    ("t: {a: 1, a: 2}", "myfy.yaml:1:11: t.a: " + TWICE.format("1:5", DELETE)),
    (
        "t:\n  a: 1\nu: 1\nt: # again\n  a: 1",
        "myfy.yaml:4:1: t: " + TWICE.format("1:1", "put the keys of both under the first, and delete this line"),
    ),
    ("t: {hunter2, hunter2}", "myfy.yaml:1:14: t.***: " + TWICE.format("1:5", DELETE)),
    ("x: &x {}\nt: {<<: *x, <<: *x}", "myfy.yaml:2:13: t.<<: " + TWICE.format("2:5", DELETE)),
    ("'pa ss': 1\n'pa ss': 2", "myfy.yaml:2:1: ***: " + TWICE.format("1:1", DELETE)),
    ("t:\n  1: x", 'myfy.yaml:2:3: t: a key must be text, this one is a number\n  fix: put it in quotes: "1"'),
    ("true: x", 'myfy.yaml:1:1: a key must be text, this one is true or false\n  fix: put it in quotes: "true"'),
    ("~: x", 'myfy.yaml:1:1: a key must be text, this one is null\n  fix: put it in quotes: "..."'),
    ("t: {12345}", 'myfy.yaml:1:5: t: a key must be text, this one is a number\n  fix: put it in quotes: "..."'),
    ("!!int 1: x", 'myfy.yaml:1:1: a key must be text, this one is a number\n  fix: put it in quotes: "1"'),
    ("? [a]\n: b", "myfy.yaml:1:3: a key must be text, this one is a list" + BRACE),
    ("a: {{ x }}", "myfy.yaml:1:5: a: a key must be text, this one is a table" + BRACE),
    ("a: !hunter2", f"myfy.yaml:1:4: a: {TAG}"),
    ("a: !!python/object:os.system {}", f"myfy.yaml:1:4: a: {TAG}"),
    ("a: !!set {b}", f"myfy.yaml:1:4: a: {TAG}"),
    ("a: ! b", f"myfy.yaml:1:4: a: {TAG}"),
    ("a: !e!x y", f"myfy.yaml:1:4: {TAG}"),
    ("a: !!int x", "myfy.yaml:1:4: a: its tag wants a whole number\n  fix: delete the tag"),
    ("a: *hunter2", "myfy.yaml:1:4: a: no anchor of this name stands above" + STAR),
    ("a: &a {b: [*a]}", "myfy.yaml:1:12: a.b.0: this alias stands inside its own anchor" + STAR),
    ("a: {<<: 1}", "myfy.yaml:1:5: a.<<: expected a table or a list of tables\n  fix: delete this line"),
    ("--- {a: 1}\n--- {a: 1}", "myfy.yaml:2:1: a second document starts here\n  fix: keep one document in a file"),
    ("- a", "myfy.yaml:1:1: " + AT_TOP.format("a list")),
    ("hunter2", "myfy.yaml:1:1: " + AT_TOP.format("text")),
    ("a: " + "9" * 5000, f"myfy.yaml:1:4: a: {TOO_LONG}\n  fix: put text in quotes"),
    ("a: b: c", "myfy.yaml:1:5: a ':' stands where no key can be\n  fix: put text that holds ': ' in quotes"),
    (
        "a:b\nc: d",
        "myfy.yaml:2:2: a colon above this has no space after it\n  fix: write a space after the first colon of line 1",
    ),
    ("a: 1\n  b: 2", f"myfy.yaml:2:4: {ALIGN}"),
    ("- a\nb: c", f"myfy.yaml:2:1: {ALIGN}"),
    ("a: 'b' c", f"myfy.yaml:1:8: {ALIGN}"),
    ("a:\n\tb: 1", f"myfy.yaml:2:1: {SPACES}"),
    ("a: b\n\tc: d", f"myfy.yaml:2:1: {SPACES}"),
    ("a: @b", "myfy.yaml:1:4: text cannot start with this character" + QUOTE_IT),
    ("a: *", "myfy.yaml:1:5: expected a name after '&', '*' or '!'" + QUOTE_IT),
    ("a: ]", "myfy.yaml:1:4: expected a value here" + QUOTE_IT),
    ("a: >9x", "myfy.yaml:1:6: nothing may stand beside '|' or '>' of a block text" + QUOTE_IT),
    ("b: 1\na: 'x\nc: 1", f"myfy.yaml:2:4: {QUOTES}"),
    ("a: 'x\n---\nc: 1", f"myfy.yaml:1:4: {QUOTES}"),
    ("a: [1,\n  2\n", f"myfy.yaml:1:4: {BRACKET}"),
    ("a: {b: 1", f"myfy.yaml:1:4: {BRACKET}"),
    (
        "a: [1, 2}",
        "myfy.yaml:1:9: expected ',' or ']' in this list\n  fix: write ',' between two values, and ']' after the last",
    ),
    ('a: "\\xZZ"', "myfy.yaml:1:7: expected hexadecimal digits after the '\\'" + SINGLE),
    ("a: - b", "myfy.yaml:1:4: a '- ' stands where no list can be\n  fix: put each item on a line of its own"),
    (
        "a: 1\n...\nb: 2",
        "myfy.yaml:3:1: the file goes on after the end of its document\n  fix: keep one document in a file",
    ),
    (
        "%YAML 3.0\n--- {a: 1}",
        "myfy.yaml:1:1: this directive ('%' at the start of a line) cannot be used\n  fix: delete the line",
    ),
    (
        "a: 1\n# \u2028\nb: 2",
        'myfy.yaml:2:3: the character U+2028 is not allowed\n  fix: delete it, or write \\U00002028 inside "..."',
    ),
    (
        "a: 1\nb: \x07",
        'myfy.yaml:2:4: the character U+0007 is not allowed\n  fix: delete it, or write \\U00000007 inside "..."',
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSALS, ids=[repr(text[:24]) for text, _ in REFUSALS])
@pytest.mark.parametrize("parser", PARSERS)
def test_a_refusal_says_where_and_what_and_the_fix(text: str, message: str, parser: str) -> None:
    assert refusal(text, parser) == message


def test_an_unknown_escape_is_named() -> None:
    """The two parsers differ by one column."""
    messages = {refusal('a: "c:\\q"', parser).partition(": ")[2] for parser in PARSERS}

    assert messages == {"'\\' starts no escape that YAML knows" + SINGLE}


def test_several_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "data:\n  a: ~\n  b: !x 1\n  2: 3\n  b: 4"

    places = [line.split(": ")[0] for line in refusal(text).splitlines() if not line.startswith(" ")]

    assert places == ["myfy.yaml:2:3", "myfy.yaml:3:6", "myfy.yaml:4:3", "myfy.yaml:5:3"]


def test_a_syntax_error_comes_after_what_was_found_before_it() -> None:
    text = "a: !x 1\nb: 'never closed"

    assert refusal(text) == f"myfy.yaml:1:4: a: {TAG}\nmyfy.yaml:2:4: {QUOTES}"


def test_a_third_key_names_the_first() -> None:
    places = [line for line in refusal("a: 1\na: 2\na: 3").splitlines() if "first" in line]

    assert places == ["    first at myfy.yaml:1:1"] * 2


def test_no_more_than_fifty_problems_are_told() -> None:
    text = "a: 1\n" * 1000

    assert refusal(text).count("is set twice") == 50


def test_a_missing_value_elsewhere_is_not_ours_to_judge() -> None:
    tree, _ = read("other: {a: ~, b: [~]}\ndata: {c: 1}\nempty:")

    assert tree == {"other": {"a": None, "b": [None]}, "data": {"c": 1}, "empty": None}


def bomb(of: str, holder: str) -> str:
    """Each line holds nine aliases of the line above."""
    lines = [f"l0: &l0 {of}"]
    for number in range(1, 14):
        aliases = ", ".join([f"*l{number - 1}"] * 9)
        lines.append(f"l{number}: &l{number} " + holder.replace("...", aliases))
    return "\n".join(lines)


DEEP = "more than 64 levels of tables and lists\n  fix: write it with fewer levels"
HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "lists": (lambda: "[" * 1_000_000, f"1:65: {DEEP}"),
    "lists in a table": (lambda: "a: " + "[" * 1_000_000, f"1:67: {DEEP}"),
    "tables": (lambda: "{a: " * 250_000, f"1:257: {DEEP}"),
    "block lists": (lambda: "- " * 500_000, f"1:129: {DEEP}"),
    "block tables": (lambda: "".join(f"{' ' * n}a:\n" for n in range(1000)), f"65:65: {DEEP}"),
    "tables as keys": (lambda: "{" * 1_000_000, "1:2: a key must be text, this one is a table" + BRACE),
    "aliases add up": (
        lambda: f"a: &a {'[' * 60}{']' * 60}\nb: [[[[*a]]]]",
        f"2:8: {DEEP}",
    ),
    "chained aliases": (
        lambda: "a0: &a0 []\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 5000)),
        f"64:12: {DEEP}",
    ),
}


@pytest.mark.parametrize(("make", "message"), HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("parser", PARSERS)
def test_hostile_depth_is_refused_before_it_can_hurt(make: Callable[[], str], message: str, parser: str) -> None:
    """PyYAML's loaders crash the process on some of these, or raise RecursionError."""
    assert refusal(make(), parser) == f"myfy.yaml:{message}"


class ReadingAhead(yaml.SafeLoader):
    """A parser that reads everything before it gives an event, and refuses more than 1000 levels, as libyaml 0.2.6."""

    def get_event(self) -> Any:
        at = 1000 if self.buffer[:1001] == "[" * 1001 else None
        if at is not None:
            mark = yaml.Mark("", at, 0, at, None, 0)
            raise ScannerError("while increasing flow level", mark, "exceeded maximum nesting depth", mark)
        return super().get_event()


def test_our_limit_speaks_before_one_of_the_parser_that_lies_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "CSafeLoader", ReadingAhead)

    assert refusal("[" * 1001) == f"myfy.yaml:1:65: {DEEP}"


def test_a_limit_of_the_parser_below_ours_is_told_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "CSafeLoader", ReadingAhead)

    told = refusal("[" * 1001, limits=Limits(depth=2000))

    assert told == (
        "myfy.yaml:1:1001: more levels of tables and lists than can be read\n  fix: write it with fewer levels"
    )


def test_a_thousand_levels_are_refused_at_the_first_too_many() -> None:
    """Libyaml 0.2.6 gives their events, so it is not asked twice."""
    assert refusal("[" * 1000) == f"myfy.yaml:1:65: {DEEP}"


def test_a_mistake_behind_too_many_levels_on_one_line_is_not_told_in_their_place() -> None:
    assert refusal("a:\n  b: " + "[" * 70 + "@") == f"myfy.yaml:2:68: {DEEP}"


BOMBS = [bomb("[x, x, x, x, x, x, x, x, x]", "[...]"), bomb("{k: 1}", "{<<: [...]}")]


@pytest.mark.parametrize("text", BOMBS, ids=["lists", "merge keys"])
@pytest.mark.parametrize("parser", PARSERS)
def test_an_alias_bomb_is_refused_by_what_it_stands_for(text: str, parser: str) -> None:
    assert "more than 200000 values in one file\n  fix: delete this line" in refusal(text, parser)


def test_aliases_count_with_all_that_they_stand_for() -> None:
    text = "a: &a {x: 1, y: [2]}\nb: *a"  # a table, 1, a list and 2, twice

    read(text, limits=Limits(values=8))

    assert "more than 7 values" in refusal(text, limits=Limits(values=7))


def test_depth_counts_the_root() -> None:
    read("a: [1]", limits=Limits(depth=2))

    assert "more than 1 levels" in refusal("a: [1]", limits=Limits(depth=1))
