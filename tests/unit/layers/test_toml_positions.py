"""Key places in TOML are those of the key itself, 1-based, in characters (contract C3.10)."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from myfy_data.layers.syntax import DEFAULT_LIMITS, LayerSyntaxError, Place
from myfy_data.layers.toml.positions import scan_toml
from myfy_data.layers.toml.reader import parse_toml

TQ = '"""'

PLACES = [
    ("bare", "a = 1\nb = 2", ("b",), (2, 1)),
    ("indented", "\n  \t a = 1", ("a",), (2, 5)),
    ("quoted", '"a b" = 1', ("a b",), (1, 1)),
    ("quoted with escapes", r'"a\"\u00e9" = 1' + "\nb = 1", ('a"é',), (1, 1)),
    ("literal", "x = 1\n'a\\b' = 1", ("a\\b",), (2, 1)),
    ("empty", '"" = 1', ("",), (1, 1)),
    ("dotted, first part", "a.b.c = 1", ("a",), (1, 1)),
    ("dotted, last part", "a . b.'c' = 1", ("a", "b", "c"), (1, 7)),
    ("dotted, made by the first line", "a.b = 1\na.c = 2", ("a",), (1, 1)),
    ("table", "[data.profiles.main]", ("data", "profiles"), (1, 7)),
    ("table with spaces", "x = 1\n [ data . 'a b' ]", ("data", "a b"), (2, 11)),
    ("table named later than its inner table", "[a.b]\n[a]\nc = 1", ("a",), (1, 2)),
    ("key of a table", "[a]\n[b]\nkey = 1\n[a.c]\nkey = 2", ("b", "key"), (3, 1)),
    ("array of tables", "[[a]]\nx = 1\n[[a]]\ny = 1", ("a",), (1, 3)),
    ("inside an array of tables", "[[a]]\nx = 1", ("a", "x"), None),
    ("inline table", "a = { b = 1, c.d = 2 }", ("a", "c", "d"), (1, 16)),
    ("inline table over lines", "a = {\n  b = 1, # }\n  c = [{x = 1}],\n}\n", ("a", "c"), (3, 3)),
    ("behind an array", 'a = [\n  "]", # ]\n  [1, 2],\n]\nb = 1', ("b",), (5, 1)),
    ("behind a multi-line text", f'a = {TQ}\nb = 1\n"x"\n\\{TQ} #\n{TQ}\nb = 2', ("b",), (6, 1)),
    ("behind text that ends in quotes", f'a = {TQ}"x""{TQ}\nb = 1', ("b",), (2, 1)),
    ("behind literal multi-line text", "a = '''\nb = 1 ''x' \\'''\nb = 2", ("b",), (3, 1)),
    ("behind a date with a space", "a = 1979-05-27 07:32:00 # b = 1\nb = 2", ("b",), (2, 1)),
    ("behind a comment with quotes", "# it's [x\nb = 1", ("b",), (2, 1)),
    ("CRLF", "a = 1\r\n\r\n[t]\r\n  b = '''\r\n'''\r\nc = 1\r\n", ("t", "c"), (6, 1)),
    ("behind characters beyond the BMP", 'a = {"😀" = "é😀", b = 1}', ("a", "b"), (1, 18)),
    ("not there", "a = 1", ("b",), None),
    ("below a scalar", "a = 1", ("a", "b"), None),
    ("below nothing", "a = 1", ("b", "c", "d"), None),
    ("the root", "a = 1", (), None),
]


@pytest.mark.parametrize(("text", "path", "place"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES])
def test_a_key_has_its_exact_place(text: str, path: tuple[str, ...], place: Place | None) -> None:
    _, locate = parse_toml(text, "myfy.toml", DEFAULT_LIMITS)

    assert locate(path) == place


CLASHES = [
    ("key", "pool = 1\n\npool = 2", "myfy.toml:3:1: pool: is set twice", "myfy.toml:1:1"),
    ("key of a table", "[a.b]\nx = 1\nx = 2", "myfy.toml:3:1: a.b.x: is set twice", "myfy.toml:2:1"),
    ("dotted", "a.b = 1\na.b = 2", "myfy.toml:2:3: a.b: is set twice", "myfy.toml:1:3"),
    ("value, then table", "a = 1\n[a.b]", "myfy.toml:2:2: a: is set twice", "myfy.toml:1:1"),
    ("value, then dotted", "a = 1\na.b = 1", "myfy.toml:2:1: a: is set twice", "myfy.toml:1:1"),
    ("table", "[a]\n[b]\n[a]", "myfy.toml:3:2: a: is set twice", "myfy.toml:1:2"),
    ("dotted into a table", "[a.b]\n[a]\nb.c = 1", "myfy.toml:3:1: a.b: is set twice", "myfy.toml:1:4"),
    ("table made by dots", "a.b = 1\n[a]", "myfy.toml:2:2: a: is set twice", "myfy.toml:1:1"),
    ("inline table", "a = {b = 1, b = 2}", "myfy.toml:1:13: a.b: is set twice", "myfy.toml:1:6"),
    ("inline table opened again", "a = {}\na.b = 1", "myfy.toml:2:1: a: is set twice", "myfy.toml:1:1"),
    ("inside a list", "a = [1, {b = 1, b = 2}]", "myfy.toml:1:17: a.1.b: is set twice", "myfy.toml:1:10"),
    ("table under a longer one", "[a.b]\n[a]\n[a]", "myfy.toml:3:2: a: is set twice", "myfy.toml:1:2"),
    ("table closed by dots", "[a.b.c]\n[a]\nb.d = 1\n[a.b]", "myfy.toml:4:4: a.b: is set twice", "myfy.toml:1:4"),
    ("list, then tables", "a = []\n[[a]]", "myfy.toml:2:3: a: is set twice", "myfy.toml:1:1"),
    ("tables, then table", "[[a]]\n[a]", "myfy.toml:2:2: a: is set twice", "myfy.toml:1:3"),
    ("inside an array of tables", "[[a]]\n[[a]]\nx=1\nx=2", "myfy.toml:4:1: a.1.x: is set twice", "myfy.toml:3:1"),
]


@pytest.mark.parametrize(("text", "line", "first"), [case[1:] for case in CLASHES], ids=[case[0] for case in CLASHES])
def test_a_key_that_is_made_twice_names_both_places(text: str, line: str, first: str) -> None:
    with pytest.raises(LayerSyntaxError) as caught:
        parse_toml(text, "myfy.toml", DEFAULT_LIMITS)

    assert str(caught.value).splitlines()[:2] == [line, f"    first at {first}"]


def test_all_keys_that_are_made_twice_are_told_at_once() -> None:
    text = "a = 1\na = 2\n[t]\nb = 1\nb = 2\nb = 3\n"

    clashes = scan_toml(text, 64).clashes

    assert [clash.path for clash in clashes] == [("a",), ("t", "b"), ("t", "b")]


def test_a_key_that_could_be_a_secret_is_masked() -> None:
    text = '"pa ss" = 1\n"pa ss" = 2'

    with pytest.raises(LayerSyntaxError) as caught:
        parse_toml(text, "myfy.toml", DEFAULT_LIMITS)

    assert str(caught.value).startswith("myfy.toml:2:1: ***: is set twice")


def test_the_scanner_stops_where_it_cannot_go_on() -> None:
    scan = scan_toml('a = 1\nb = "never closed\nc = 1', 64)

    assert (scan.stuck, dict(scan.keys)) == (10, {"a": 0, "b": 6})


KEYS = ["a", "b", "c", "pool_size", "1", "true", "-", "a.b", "é", "😀 x", "#", 'q"q', "it's", "", "[t]", "tab\t", "\\"]
TEXTS = ["", "x", "a = 1", "# no", '"', "'", "''", '""', "[t]\na = 1\n", "\\", "é😀", "}", "]", ",", "\n\n", 'x"']
OTHERS = ["1979-05-27 07:32:00", "1979-05-27", "07:32:00", "1979-05-27T07:32:00+01:00", "inf", "-nan", "0xFF", "1_000"]


class TomlWriter:
    """Writes a random document and notes where each key went."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.text = ""
        self.places: dict[tuple[str, ...], Place] = {}

    def document(self) -> str:
        self.table((), self.content(3))
        crlf = self.rng.random() < 0.3
        return self.text.replace("\n", "\r\n") if crlf else self.text

    def content(self, depth: int) -> dict[str, Any]:
        """A tree whose leaves are None: values are invented while they are written."""
        keys = self.rng.sample(KEYS, self.rng.randint(0 if depth < 3 else 1, 4))
        return {key: self.content(depth - 1) if depth and self.rng.random() < 0.5 else None for key in keys}

    def table(self, path: tuple[str, ...] | None, table: dict[str, Any]) -> None:
        """The direct keys of the table, then headers for the rest; no path inside arrays of tables."""
        later = []
        for key, inner in table.items():
            style = "value" if inner is None else self.rng.choice(["inline", "dotted", "header", "header", "array"])
            if style in ("header", "array"):
                later.append((key, inner, style))
            elif style == "dotted" and inner:
                self.dotted([key], inner, path)
            else:
                self.pair([key], inner, path)
        self.rng.shuffle(later)
        for key, inner, style in later:
            self.headers([*self.way, key], None if path is None else (*path, key), inner, style)

    way: tuple[str, ...] = ()

    def headers(self, way: list[str], path: tuple[str, ...] | None, inner: dict[str, Any], style: str) -> None:
        before, self.way = self.way, tuple(way)
        if style == "array":
            for _ in range(self.rng.randint(1, 2)):
                self.header("[[", way, path)
                self.table(None, inner)
        elif inner and all(isinstance(below, dict) for below in inner.values()) and self.rng.random() < 0.5:
            for key, below in inner.items():
                self.headers([*way, key], None if path is None else (*path, key), below, "header")
        else:
            self.header("[", way, path)
            self.table(path, inner)
        self.way = before

    def header(self, opening: str, way: list[str], path: tuple[str, ...] | None) -> None:
        self.put(self.gap() + opening)
        self.key(way, None if path is None else path[: len(path) - len(way)])
        self.put(self.space() + opening.replace("[", "]") + self.end())

    def dotted(self, way: list[str], table: dict[str, Any], base: tuple[str, ...] | None) -> None:
        for key, inner in table.items():
            if inner and self.rng.random() < 0.5:
                self.dotted([*way, key], inner, base)
            else:
                self.pair([*way, key], inner, base)

    def pair(self, way: list[str], inner: dict[str, Any] | None, base: tuple[str, ...] | None) -> None:
        self.put(self.gap())
        self.assign(way, inner, base)
        self.put(self.end())

    def assign(self, way: list[str], inner: dict[str, Any] | None, base: tuple[str, ...] | None) -> None:
        self.key(way, base)
        self.put(self.space() + "=" + self.space())
        if inner is None:
            self.value(2)
        else:
            self.inline(inner, None if base is None else (*base, *way))

    def inline(self, table: dict[str, Any], path: tuple[str, ...] | None) -> None:
        self.put("{" + self.inner_gap())
        for number, (key, inner) in enumerate(table.items()):
            self.put("," + self.inner_gap() if number else "")
            self.assign([key], inner, path)
            self.put(self.inner_gap())
        self.put(self.rng.choice(["", ","]) if table else "")
        self.put(self.inner_gap() + "}")

    def value(self, depth: int) -> None:
        kind = self.rng.choice(["text", "text", "text", "other", "list"] if depth else ["text", "other"])
        if kind == "list":
            self.put("[" + self.inner_gap())
            for _ in range(self.rng.randint(0, 3)):
                self.value(depth - 1) if self.rng.random() < 0.7 else self.inline(self.content(1), None)
                self.put(self.inner_gap() + "," + self.inner_gap())
            self.put("]")
        else:
            self.put(self.string() if kind == "text" else self.rng.choice([*OTHERS, "1", "2.5", "true"]))

    def string(self) -> str:
        text = self.rng.choice(TEXTS) + self.rng.choice(TEXTS)
        style = self.rng.choice(["basic", "literal", "long", "long literal"])
        if style == "literal" and not re.search("['\n]", text):
            return f"'{text}'"
        if style == "long literal" and "'''" not in text:
            return f"'''{self.rng.choice(['', chr(10)])}{text}'''"
        escaped = text.replace("\\", "\\\\")
        if style == "long" and '"""' not in text:
            return f"{TQ}{self.rng.choice(['', chr(10), chr(92) + chr(10) + '  '])}{escaped}{TQ}"
        return '"' + escaped.replace('"', '\\"').replace("\n", "\\n") + '"'

    def key(self, way: list[str], base: tuple[str, ...] | None) -> None:
        for number, part in enumerate(way):
            self.put(self.space() + "." + self.space() if number else self.space())
            if base is not None:
                place = (self.text.count("\n") + 1, len(self.text) - self.text.rfind("\n"))
                self.places.setdefault((*base, *way[: number + 1]), place)
            self.put(self.quoted(part))

    def quoted(self, key: str) -> str:
        if re.fullmatch("[A-Za-z0-9_-]+", key) and self.rng.random() < 0.7:
            return key
        if not re.search("['\t\n]", key) and self.rng.random() < 0.5:
            return f"'{key}'"
        if self.rng.random() < 0.5:
            return '"' + "".join(f"\\U{ord(character):08X}" for character in key) + '"'
        return '"' + key.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'

    def put(self, text: str) -> None:
        self.text += text

    def space(self) -> str:
        return self.rng.choice(["", " ", "\t", "  "])

    def gap(self) -> str:
        return self.rng.choice(["", "", "\n", " # it's [a] = \"\n", "\t"])

    def inner_gap(self) -> str:
        return self.rng.choice(["", " ", " ", "\n ", " # ] } , '\n\t"])

    def end(self) -> str:
        return self.rng.choice(["\n", " \n", ' # x = "\n', "\n\n"])


@settings(max_examples=150)
@given(st.randoms(use_true_random=False))
def test_places_are_exact_on_random_documents(rng: random.Random) -> None:
    """The writer knows where it put each key."""
    writer = TomlWriter(rng)
    text = writer.document()

    tree, locate = parse_toml(text, "myfy.toml", DEFAULT_LIMITS)

    assert tree.keys() == tomli.loads(text).keys()
    assert {path: locate(path) for path in writer.places} == writer.places


@settings(max_examples=150)
@given(st.randoms(use_true_random=False))
def test_every_refusal_of_a_second_line_finds_the_first(rng: random.Random) -> None:
    """A line copied to another place is either allowed or named together with its first one."""
    writer = TomlWriter(rng)
    lines = writer.document().split("\n")
    lines.insert(rng.randint(0, len(lines)), rng.choice(lines))
    text = "\n".join(lines)

    try:
        tomli.loads(text)
        refused = ""
    except tomli.TOMLDecodeError as error:
        refused = error.msg
    doubled = refused.startswith(("Cannot", "Duplicate"))

    assert bool(scan_toml(text, 64).clashes) == doubled or (refused and not doubled)
