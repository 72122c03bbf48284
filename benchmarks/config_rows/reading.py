"""This package's reading of a file alone, with its limits and the places of keys, against `parsing`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config_rows import Read
from config_rows.parsing import merged
from myfy_data.layers.files.document import read_document


def _tree(path: Path) -> dict[str, Any]:
    return read_document(path, path.name).tree


def load(directory: Path) -> Read:
    """Trees only."""
    profiles = merged(directory, _tree)
    return lambda profile, key: profiles[profile][key]
