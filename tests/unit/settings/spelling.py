"""Spells a stack of layers out as a project on disk, and notes the place of each key while doing so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import assume

from myfy_data import DataSettings, load_settings
from myfy_data.origins import Origin
from tests.unit.settings.stacks import FILES, FREE, Key, Stack, Table, dotted, nested
from tests.unit.settings.writers import TomlWriter, Writer, YamlWriter


@dataclass
class Written:
    """A stack as a project on disk.

    Attributes:
        files: text by path, relative to the project root.
        environ: variables.
        overrides: arguments.
        places: where each source says what, by full key.
    """

    files: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    places: dict[tuple[str, Key], Origin] = field(default_factory=dict)

    def load(self, root: Path) -> DataSettings:
        for path, text in self.files.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(text.encode())
        return load_settings(root, environ=self.environ, overrides=self.overrides)


@contextmanager
def loaded(stack: Stack) -> Iterator[tuple[DataSettings, Written]]:
    """The settings that a stack makes, and how it was written."""
    with TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        written = write(stack, root)
        yield written.load(root), written


def write(stack: Stack, root: Path) -> Written:
    """Spell every layer out, and note the place of each key while doing so."""
    rng = Random(stack.seed)
    written = Written()
    base = {"secrets_dir": "secrets"}
    written.files["secrets/.keep"] = ""
    for source, stem in FILES.items():
        tree = _file_tree(stack, source, base if source == "base" else {})
        if tree:
            _write_file(stack, source, stem, tree, (rng, written))
    dotenv: list[str] = []
    for source in ("secrets", "dotenv", "environment"):
        for variable, text, keys in _variables(stack, source, rng):
            origin = _put(source, variable, text, written, (rng, dotenv, root))
            for key in keys:
                written.places[source, key] = origin
    if dotenv:
        written.files[".env"] = "".join(dotenv)
    _arguments(stack, rng, written)
    return written


def _profile_key(stack: Stack, source: str, name: str, key: Key) -> Key:
    flat = name == stack.default and (source, key[0]) in stack.flat
    return key if flat else ("profiles", name, *key)


def _plain(key: Key, value: Any) -> Any:
    return [dotted(item) for item in value] if key == ("unset",) else value


def _file_tree(stack: Stack, source: str, extra: dict[str, Any]) -> dict[str, Any]:
    leaves: Table = {(key,): value for key, value in extra.items()}
    if source in stack.roots:
        leaves["default",] = stack.roots[source]
    for (other, name), table in stack.said.items():
        if other == source:
            leaves |= {_profile_key(stack, source, name, key): _plain(key, value) for key, value in table.items()}
            if not table:
                leaves["profiles", name] = {}
    return nested(leaves)


def _write_file(stack: Stack, source: str, stem: str, tree: dict[str, Any], tools: tuple[Random, Written]) -> None:
    rng, written = tools
    suffix = rng.choice([".toml", ".yaml"])
    writer: Writer = (TomlWriter if suffix == ".toml" else YamlWriter)(rng)
    writer.whole(tree)
    written.files[stem + suffix] = "".join(f"{line}\n" for line in writer.lines)
    for key, (line, column) in writer.places.items():
        inner = key[1:]
        full = inner if inner[:1] in (("profiles",), ("default",)) else ("profiles", stack.default, *inner)
        written.places[source, full] = Origin(stem + suffix, line, column)


def _variables(stack: Stack, source: str, rng: Random) -> Iterator[tuple[str, str, list[Key]]]:
    """Name, text and full keys of every variable of a source."""
    if source in stack.roots:
        yield "MYFY_DATA_DEFAULT", stack.roots[source], [("default",)]
    for (other, name), table in stack.said.items():
        if other != source:
            continue
        for head, keys in groupby(sorted(table), key=lambda key: key[0]):
            members = {key: table[key] for key in keys}
            whole = ("profiles", name)
            if rng.random() < 0.5 and all(re.fullmatch("[a-z_]+", part) for key in members for part in key):
                for key, value in members.items():
                    yield _variable(stack, source, name, key), _text(key, value), [(*whole, *key)]
            else:
                text = _text((head,), nested(members)[head])
                yield _variable(stack, source, name, (head,)), text, [(*whole, *key) for key in members]


def _variable(stack: Stack, source: str, name: str, key: Key) -> str:
    path = _profile_key(stack, source, name, key)
    return "MYFY_DATA_" + "__".join(part.replace("-", "_") for part in path).upper()


def _text(key: Key, value: Any) -> str:
    if isinstance(value, str) and not (key[0] in FREE and len(key) > 1):
        return value
    return json.dumps(value)


def in_dotenv(text: str) -> str:
    """A text as `.env` has it; python-dotenv 1.1 takes a backslash at its end for a part of the quote's."""
    assume(not text.endswith("\\"))
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _put(source: str, name: str, text: str, written: Written, tools: tuple[Random, list[str], Path]) -> Origin:
    rng, dotenv, root = tools
    if source == "secrets":
        file = name.removeprefix("MYFY_DATA_") if rng.random() < 0.3 else name
        written.files[f"secrets/{file}"] = text + rng.choice(["", "\n"])
        return Origin(f"secret file {root}/secrets/{file}")
    name = name.lower() if rng.random() < 0.2 else name
    if source == "environment":
        written.environ[name] = text
        return Origin("environment", variable=name)
    lead = rng.choice(["", "  ", "export "])
    dotenv += [rng.choice(["", "# a note\n", "\n"]), f"{lead}{name}={in_dotenv(text)}\n"]
    return Origin(".env", "".join(dotenv[:-1]).count("\n") + 1, len(lead) + 1, name)


def _arguments(stack: Stack, rng: Random, written: Written) -> None:
    leaves: Table = {}
    if "argument" in stack.roots:
        leaves["default",] = stack.roots["argument"]
    for (source, name), table in stack.said.items():
        if source != "argument":
            continue
        for key, value in table.items():
            path = _profile_key(stack, source, name, key)
            leaves[path] = _plain(key, value)
            written.places[source, ("profiles", name, *key)] = Origin("argument")
    tree = nested(leaves)
    if rng.random() < 0.5:
        profiles = tree.pop("profiles", {})
        for name, table in profiles.items():
            tree |= {f"profiles.{name}.{key}": value for key, value in table.items()}
    written.overrides.update(tree)
    if "argument" in stack.roots:
        written.places["argument", ("default",)] = Origin("argument")
