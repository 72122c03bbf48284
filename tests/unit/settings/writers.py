"""Writes a tree as TOML or YAML in many styles, and knows where each key came to stand."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

Key = tuple[str, ...]


class Writer:
    """Writes a tree; `places` has line and column of every key."""

    between = " = "

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.row = ""
        self.places: dict[Key, tuple[int, int]] = {}

    def end_row(self) -> None:
        self.lines.append(self.row)
        self.row = ""
        if self.rng.random() < 0.1:
            self.lines.append("# ü = 1")

    def key(self, path: Key) -> None:
        self.places[path] = (len(self.lines) + 1, len(self.row) + 1)
        bare = re.fullmatch(r"[A-Za-z0-9_-]+", path[-1]) and self.rng.random() < 0.8
        self.row += path[-1] if bare else quoted(path[-1])

    def value(self, value: Any, path: Key) -> None:
        if isinstance(value, dict):
            self.row += "{"
            for at, (key, inner) in enumerate(value.items()):
                self.row += ", " if at else " " * self.rng.randrange(2)
                self.key((*path, key))
                self.row += self.between
                self.value(inner, (*path, key))
            self.row += "}"
        elif isinstance(value, list):
            self.row += f"[{', '.join(scalar(item) for item in value)}]"
        else:
            self.row += scalar(value)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def scalar(value: Any) -> str:
    return quoted(value.replace("${", "$${")) if isinstance(value, str) else json.dumps(value)


class TomlWriter(Writer):
    """TOML: tables as headers, inline, or with dotted keys."""

    def whole(self, tree: dict[str, Any]) -> None:
        self.header(("data",), tree)

    def header(self, path: Key, table: dict[str, Any]) -> None:
        names = (part if re.fullmatch("[A-Za-z0-9_-]+", part) else quoted(part) for part in path)
        self.row = f"[{'.'.join(names)}]"
        self.end_row()
        later = []
        for key, value in table.items():
            style = self.rng.choice(["header", "inline", "dotted"]) if isinstance(value, dict) and value else "inline"
            if path == ("data",) and key == "profiles":
                later.extend((("data", "profiles", name), inner) for name, inner in value.items())
            elif style == "header":
                later.append(((*path, key), value))
            elif style == "dotted":
                self.dotted(path, (key,), value)
            else:
                self.pair(path, (key,), value)
        for name, inner in later:
            self.header(name, inner)

    def dotted(self, above: Key, way: Key, table: dict[str, Any]) -> None:
        for key, value in table.items():
            self.pair(above, (*way, key), value)

    def pair(self, above: Key, way: Key, value: Any) -> None:
        self.row = " " * self.rng.randrange(3)
        for at in range(len(way)):
            self.row += "." if at else ""
            self.key((*above, *way[: at + 1]))
        self.row += self.between
        self.value(value, (*above, *way))
        self.end_row()


class YamlWriter(Writer):
    """YAML: block style, with flow style for some tables."""

    between = ": "

    def whole(self, tree: dict[str, Any]) -> None:
        self.block({"data": tree}, ())

    def block(self, table: dict[str, Any], path: Key) -> None:
        for key, value in table.items():
            self.row = "  " * len(path)
            self.key((*path, key))
            if isinstance(value, dict) and value and (len(path) < 2 or self.rng.random() < 0.5):
                self.row += ":"
                self.end_row()
                self.block(value, (*path, key))
            else:
                self.row += self.between
                self.value(value, (*path, key))
                self.end_row()
