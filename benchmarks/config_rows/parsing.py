"""Parse and merge with the least that can be written: nothing is checked, and a wrong file is a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config_project import OURS, OVERRIDDEN, files
from config_rows import Read


def parse(path: Path) -> dict[str, Any]:
    """One file by the fastest parser of its format."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        import tomli  # noqa: PLC0415 - each row pays for its own format only

        return tomli.loads(text)
    import yaml  # noqa: PLC0415 - as above

    tree: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)
    return tree


def merged(directory: Path, parse: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """The profiles of both files and the variable."""
    base, overlay = (parse(path)["data"]["profiles"] for path in files(directory))
    for name, table in overlay.items():
        base[name] |= table
    base[OVERRIDDEN]["pool_size"] = int(os.environ[OURS.format(OVERRIDDEN.upper())])
    profiles: dict[str, Any] = base
    return profiles


def load(directory: Path) -> Read:
    """Trees only: what any library must spend on parsing."""
    profiles = merged(directory, parse)
    return lambda profile, key: profiles[profile][key]
