"""Fixes as the source itself writes them, so that they work when pasted (contract C3.11)."""

from __future__ import annotations

import json
import shlex
from typing import Any

from myfy_data.layers.variables import variable_for
from myfy_data.origins import KeyPath, Origin, format_key
from myfy_data.redaction import redact_text

SECRET_FILE = "secret file "  # noqa: S105 - the name of a kind of source
"""How the source of a value begins that came from a file of `secrets_dir`."""


def assignment(origin: Origin, path: KeyPath, value: Any) -> str:
    """What gives the key at `path` this value, written for the source at `origin`."""
    if origin.variable is not None:
        return f"{origin.variable}={_for_shell(value)}"
    if origin.source.startswith(SECRET_FILE):
        return f"echo {_for_shell(value)} > {shlex.quote(origin.source.removeprefix(SECRET_FILE))}"
    if origin.source == "argument":
        return f"{format_key(path)}={_for_shell(value)}"
    key = format_key(path[-1:])
    return f"{key}: {_for_file(value)}" if _is_yaml(origin) else f"{key} = {_for_file(value)}"


def beside(origin: Origin, path: KeyPath, value: Any) -> str:
    """What gives *another* key this value, in the source that says the key at `origin`."""
    if origin.variable is not None or origin.source == "environment":
        return f"{variable_for(path)}={_for_shell(value)}"
    if origin.source.startswith(SECRET_FILE):
        directory = origin.source.removeprefix(SECRET_FILE).rpartition("/")[0]
        return f"echo {_for_shell(value)} > {shlex.quote(f'{directory}/{variable_for(path)}')}"
    return assignment(origin, path, value)


def removal(origin: Origin) -> str:
    """What takes back what the source at `origin` says."""
    if origin.source == "environment":
        return f"unset {origin.variable}"
    if origin.source.startswith(SECRET_FILE):
        return f"rm {shlex.quote(origin.source.removeprefix(SECRET_FILE))}"
    return "leave this argument out" if origin.source == "argument" else "delete this line"


def header(origin: Origin, *path: str) -> str:
    """The line that opens the table at `path` of `data`, written for the source at `origin`."""
    return f"{path[-1] if path else 'data'}:" if _is_yaml(origin) else f"[{format_key(('data', *path))}]"


def described(value: Any) -> str:
    """A value in a message: as a file writes it where it is short, in a word where it is not."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    # Numbers and dates are written in a file without quotes, so they are shown without.
    return repr(redact_text(value)[:60]) if isinstance(value, str) else str(value)[:60]


def _is_yaml(origin: Origin) -> bool:
    return origin.source.endswith((".yaml", ".yml"))


def _for_file(value: Any) -> str:
    """As TOML and YAML both write it."""
    if isinstance(value, float) and value.is_integer():
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _for_shell(value: Any) -> str:
    return shlex.quote(value if isinstance(value, str) else json.dumps(value))
