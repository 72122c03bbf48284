"""Following a printed fix about a profile in `myfy.toml` to the letter: URL, keys to delete, lines to write."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from typing import Any
from urllib.parse import unquote

_FIX = re.compile(
    r"(?:take (?P<out>.+?) out of the URL|write (?P<new>\S+) in place of (?P<old>\S+) in the URL)?"
    r"(?:(?:^|, )delete (?P<key>\w+)|(?:^|, )(?P<line>delete this line))?"
    r"(?:(?:^|, and )(?:write(?: these)?:)?\s*(?P<write>(?:in [\w.]+: )?[\w.]+ = .*))?",
    re.DOTALL,
)
_HEADER = "[data.profiles.main]"


class CannotPasteError(Exception):
    """The fix is advice in words."""


def paste(text: str, fix: str, line: int | None = None) -> str:
    """The text of a file with one profile called `main` after its fix was followed.

    Args:
        text: what the file holds.
        fix: the fix, as it was printed.
        line: the 1-based line at which the problem stands.

    Raises:
        CannotPasteError: the fix is advice in words.
    """
    found = _FIX.fullmatch(fix)
    if found is None or not fix:
        raise CannotPasteError(fix)
    lines = text.splitlines()
    at = (line or 1) - 1
    if found["out"]:
        lines = [_without_options(each, re.split(r", | and ", found["out"])) for each in lines]
    if found["new"]:
        name = re.escape(found["old"].removesuffix("=..."))
        new = found["new"].removesuffix("=...")
        pattern = rf"(?<=[?&]){name}=[^&\"]*" if "=" in new else rf"(?<=[?&]){name}(?==)"
        lines = [re.sub(pattern, new, each) if "database_url" in each else each for each in lines]
    if found["key"]:
        lines[at] = _without_key(lines[at], found["key"])
    if found["line"]:
        lines[at] = ""
    for said in (found["write"] or "").splitlines():
        lines = _written(lines, said.strip(), at)
    return "\n".join(lines) + "\n"


def _without_options(line: str, names: list[str]) -> str:
    if not line.startswith("database_url"):
        return line
    url, question, query = tomllib.loads(line)["database_url"].partition("?")
    kept = [pair for pair in query.split("&") if unquote(pair.partition("=")[0]) not in names]
    return f"database_url = {json.dumps(url + (question if kept else '') + '&'.join(kept))}"


def _without_key(line: str, key: str) -> str:
    """The line without the key in its inline table, however deep, or empty where it says the key alone."""
    name, _, rest = line.partition(" = ")
    if name.rpartition(".")[2].strip() == key:
        return ""
    table = tomllib.loads(f"x = {rest}")["x"]
    _drop(table, key)
    return f"{name} = {_inline(table)}"


def _drop(table: dict[str, Any], key: str) -> None:
    table.pop(key, None)
    for value in table.values():
        if isinstance(value, dict):
            _drop(value, key)


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_inline(item)}" for key, item in value.items()) + " }"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def _written(lines: list[str], said: str, at: int) -> list[str]:
    """The lines with `KEY = VALUE` in the place of the key's line, in its table, or below the profile's header."""
    where = re.fullmatch(r"in ([\w.]+): (.*)", said)
    key, _, value = (where[2] if where else said).partition(" = ")
    path = [*(where[1].split(".") if where else ()), *key.split(".")]
    for number, line in enumerate(lines):
        name, _, rest = line.partition(" = ")
        if name == path[0] and (len(path) > 1 or "." not in key):
            lines[number] = f"{name} = {value}" if len(path) == 1 else f"{name} = {_set(rest, path[1:], value)}"
            return lines
        # A line that points into a table says its last key only, and so does one that points behind a dot.
        if number == at and len(path) == 1 and name.endswith(f".{key}"):
            lines[number] = f"{name} = {value}"
            return lines
        if number == at and len(path) == 1 and rest.startswith("{") and re.search(rf'\b{key}"? = ', rest):
            lines[number] = f"{name} = {_set(rest, [*_find(tomllib.loads(f'x = {rest}')['x'], key)], value)}"
            return lines
    header = lines.index(_HEADER)
    return [*lines[: header + 1], f"{'.'.join(path)} = {value}", *lines[header + 1 :]]


def _find(table: dict[str, Any], key: str) -> list[str]:
    if key in table:
        return [key]
    for name, inner in table.items():
        if isinstance(inner, dict) and (below := _find(inner, key)):
            return [name, *below]
    return []


def _set(text: str, path: list[str], value: str) -> str:
    table = inner = tomllib.loads(f"x = {text}")["x"]
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = tomllib.loads(f"x = {value}")["x"]
    return _inline(table)
