"""Fixes as the source itself writes them, so that they work when pasted (contract C3.11)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from myfy_data.layers.key_spec import variable_for
from myfy_data.origins import KeyPath, Origin, format_key
from myfy_data.redaction import redact_text

SECRET_FILE = "secret file "  # noqa: S105 - the name of a kind of source
"""How the source of a value begins that came from a file of `secrets_dir`."""


def assignment(origin: Origin, path: KeyPath, value: object) -> str:
    """What gives the key at `path` this value, written for the source at `origin`."""
    if origin.variable is not None:
        return f"{origin.variable}={_for_shell(value, path[-1])}"
    if origin.source.startswith(SECRET_FILE):
        return f"echo {_for_shell(value, path[-1])} > {shlex.quote(origin.source.removeprefix(SECRET_FILE))}"
    if origin.source == "argument":
        return f"{format_key(path)}={_for_shell(value, path[-1])}"
    key = format_key(path[-1:])
    return f"{key}: {_for_file(value)}" if is_yaml(origin) else f"{key} = {_for_file(value)}"


def beside(origin: Origin, path: KeyPath, value: object, *, within: KeyPath = ()) -> str:
    """What gives *another* key this value, in the source that says the key at `origin`.

    Args:
        origin: the place beside which it is to stand.
        path: the key.
        value: what to give it.
        within: the rest of the key's path, where `origin` is the table at `path` and the key stands in a table of it.
    """
    if origin.variable is not None or origin.source == "environment":
        return f"{variable_for((*path, *within))}={_for_shell(value)}"
    if origin.source.startswith(SECRET_FILE):
        directory = origin.source.removeprefix(SECRET_FILE).rpartition("/")[0]
        return f"echo {_for_shell(value)} > {shlex.quote(f'{directory}/{variable_for((*path, *within))}')}"
    if not within:
        return assignment(origin, path, value)
    if is_yaml(origin):
        return f"{within[0]}: {{{within[1]}: {_for_file(value)}}}"
    return f"{format_key(within)} = {_for_file(value)}"


def removal(origin: Origin) -> str:
    """What takes back what the source at `origin` says."""
    if origin.source == "environment":
        return f"unset {origin.variable}"
    if origin.source.startswith(SECRET_FILE):
        return f"rm {shlex.quote(origin.source.removeprefix(SECRET_FILE))}"
    return "leave this argument out" if origin.source == "argument" else "delete this line"


def reference(origin: Origin, path: KeyPath, variable: str) -> str:
    """What gives the key at `path` the value of a variable, written for the source at `origin`."""
    if origin.source in ("environment", "argument"):
        return f'{origin.variable or format_key(path)}="${variable}"'
    if origin.source.startswith(SECRET_FILE):
        return f'echo "${variable}" > {shlex.quote(origin.source.removeprefix(SECRET_FILE))}'
    if origin.variable is not None:  # .env is read as it stands
        return f'delete this line, and in myfy.toml: {path[-1]} = "${{{variable}}}"'
    return assignment(origin, path, f"${{{variable}}}")


def set_aside(path: Path) -> str:
    """The command that keeps a file under a name that is free."""
    kept = next(name for name in _names_aside(path) if not name.exists())
    return f"mv {shlex.quote(str(path))} {shlex.quote(str(kept))}"


def _names_aside(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.old")
    yield from (path.with_name(f"{path.name}.old{number}") for number in count(2))


def header(origin: Origin, *path: str) -> str:
    """The line that opens the table at `path` of `data`, written for the source at `origin`."""
    return f"{path[-1] if path else 'data'}:" if is_yaml(origin) else f"[{format_key(('data', *path))}]"


def described(value: object) -> str:
    """A value in a message: as a file writes it where it is short, in a word where it is not."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    # Numbers and dates are written in a file without quotes, so they are shown without.
    return repr(redact_text(value)[:60]) if isinstance(value, str) else str(value)[:60]


def is_yaml(origin: Origin) -> bool:
    """Whether the source is a YAML file."""
    return origin.source.endswith((".yaml", ".yml"))


def _for_file(value: object) -> str:
    """As TOML and YAML both write it."""
    if isinstance(value, float) and value.is_integer():
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _for_shell(value: object, key: str = "") -> str:
    # Lists come with commas from a variable; the names of `unset` may hold any character, and come as JSON.
    if key != "unset" and isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        value = ",".join(value)
    return shlex.quote(value if isinstance(value, str) else json.dumps(value))
