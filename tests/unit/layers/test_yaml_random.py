"""On random YAML documents places are exact, and plain ones mean what they mean to PyYAML (contract C3.9, C3.10)."""

from __future__ import annotations

import random
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from myfy_data.layers.syntax import Place
from tests.unit.layers.yaml_reading import PARSERS, read

WORDS = st.text("abcdefgxyzéß 😀-_", min_size=1, max_size=12).map(lambda text: f"t{text}t")
SCALARS = st.one_of(WORDS, st.integers(-(10**12), 10**12), st.booleans(), st.none(), st.floats(-1e9, 1e9, width=32))
TREES = st.dictionaries(
    WORDS,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=15
    ),
    max_size=5,
)


@settings(max_examples=100)
@given(TREES, st.sampled_from([True, False, None]), st.sampled_from(PARSERS))
def test_a_plain_document_means_the_same_as_to_pyyaml(tree: dict[str, Any], flow: bool | None, parser: str) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=flow)

    found, _ = read(text, parser)

    assert found == tree == yaml.load(text, yaml.CSafeLoader)


KEYS = [
    "a",
    "b",
    "pool_size",
    "no",
    "x y",
    "é",
    "😀",
    "it's",
    'q"q',
    "#",
    "- ",
    "a: b",
    "",
    "true",
    "7",
    "{",
    "<<",
    "\\",
]
PLAIN = ["a", "b", "pool_size", "no", "x y", "é", "😀", "it's", 'q"q', "\\"]


class YamlWriter:
    """Writes a random document and notes where each key went."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.text = ""
        self.tree: dict[str, Any] = {}
        self.places: dict[tuple[str, ...], Place] = {}

    def document(self) -> str:
        self.text += self.rng.choice(["", "# x: 1\n", "---\n", "\n"])
        self.tree = self.table((), 0, 3) if self.rng.random() < 0.8 else self.flow((), 3)
        return self.text.replace("\n", "\r\n") if self.rng.random() < 0.3 else self.text

    def table(self, path: tuple[str, ...] | None, indent: int, depth: int) -> dict[str, Any]:
        """A block table; a path of None stands for a place inside a list."""
        tree: dict[str, Any] = {}
        for number, key in enumerate(self.rng.sample(KEYS, self.rng.randint(1, 4))):
            if number or path == ():  # the first key of an inner table stands where its holder left off
                self.text += self.blank() + " " * indent
            explicit = self.rng.random() < 0.1
            self.text += "? " if explicit else ""
            self.key(key, path)
            self.text += f"\n{' ' * indent}:" if explicit else self.rng.choice([":", " :"])
            tree[key] = self.value(None if path is None else (*path, key), indent, depth)
        return tree

    def value(self, path: tuple[str, ...] | None, indent: int, depth: int) -> Any:
        kind = self.rng.choice(["scalar", "table", "flow", "list", "block"] if depth else ["scalar", "block"])
        if kind == "table":
            self.text += self.end() + " " * (indent + 2)
            return self.table(path, indent + 2, depth - 1)
        if kind == "list":
            return self.block_list(indent, depth)
        if kind == "block":
            self.text += " |\n" + " " * (indent + 1) + "k: 1 # 'x\n\n" + " " * (indent + 1) + "- {\n"
            return "k: 1 # 'x\n\n- {\n"
        self.text += " "
        found = self.flow(path, depth) if kind == "flow" else self.scalar(indent)
        self.text += self.end()
        return found

    def block_list(self, indent: int, depth: int) -> list[Any]:
        self.text += self.end()
        items = []
        for _ in range(self.rng.randint(1, 3)):
            self.text += " " * indent + "-" + " "
            if self.rng.random() < 0.5:
                items.append(self.table(None, indent + 2, depth - 1))
            else:
                items.append(self.scalar(indent))
                self.text += self.end()
        return items

    def flow(self, path: tuple[str, ...] | None, depth: int) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        self.text += "{" + self.gap()
        for key in self.rng.sample(KEYS, self.rng.randint(0, 3)):
            self.key(key, path)
            self.text += ": " + self.gap()
            below = None if path is None else (*path, key)
            tree[key] = self.flow(below, depth - 1) if depth and self.rng.random() < 0.4 else self.flow_value()
            self.text += self.gap() + "," + self.gap()
        self.text += "}"
        return tree

    def flow_value(self) -> Any:
        if self.rng.random() < 0.7:
            return self.scalar(8)
        self.text += "[" + self.gap()
        tree = [self.flow(None, 0)]
        self.text += self.gap() + "]"
        return tree

    def scalar(self, indent: int) -> Any:
        text = self.rng.choice([*KEYS, "two\nlines"])
        if text in PLAIN and self.rng.random() < 0.5:
            self.text += text
        else:
            self.text += self.rng.choice(["", "&x ", "!!str "]) + self.quoted(text, " " * (indent + 2))
        return text

    def key(self, key: str, path: tuple[str, ...] | None) -> None:
        if path is not None:
            self.places[*path, key] = (self.text.count("\n") + 1, len(self.text) - self.text.rfind("\n"))
        self.text += key if key in PLAIN and self.rng.random() < 0.5 else self.quoted(key, "")

    def quoted(self, text: str, indent: str) -> str:
        if "\n" not in text and self.rng.random() < 0.5:
            return "'" + text.replace("'", "''") + "'"
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return '"' + escaped + f"\\\n{indent}" * bool(indent and self.rng.random() < 0.3) + '"'

    def blank(self) -> str:
        return self.rng.choice(["", "", "", "\n", "# it's {a: [1\n"])

    def end(self) -> str:
        return self.rng.choice(["\n", "  \n", " # x: 'y\n"])

    def gap(self) -> str:
        return self.rng.choice(["", " ", "\n" + " " * 12, " # } ] , '\n" + " " * 10])


@settings(max_examples=150)
@given(st.randoms(use_true_random=False), st.sampled_from(PARSERS))
def test_places_are_exact_on_random_documents(rng: random.Random, parser: str) -> None:
    """The writer knows where it put each key."""
    writer = YamlWriter(rng)
    text = writer.document()

    tree, locate = read(text, parser)

    assert tree == writer.tree
    assert {path: locate(path) for path in writer.places} == writer.places
