"""The files that a load reads, and those that it would read if they were there: what is looked at for changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from myfy_data.layers.files.discovery import BASE_NAMES, CONFIG_DIR, LOCAL, SUFFIXES
from myfy_data.layers.loader import LoadRequest
from myfy_data.layers.variables.layers import asked_config
from myfy_data.layers.variables.reader import process_variables
from myfy_data.settings.data_settings import DataSettings


def watched_paths(sources: LoadRequest, settings: DataSettings) -> list[Path]:
    """Every file and directory that a change of could change the settings.

    Args:
        sources: what they were loaded from.
        settings: the settings in force.
    """
    here = Path(sources.start) if sources.start is not None else Path()
    root = settings.project_root or here
    asked = sources.files if sources.files is not None else asked_config(process_variables(os.environ))
    if asked is None:
        paths = list(_of_project(root, settings.environment))
    else:
        names = [asked] if isinstance(asked, str | os.PathLike) else asked
        paths = [here / Path(name).expanduser() for name in names]
    if settings.secrets_dir is not None:  # relative to the one or the other, by who said it (contract C3.12)
        paths += {root / settings.secrets_dir, here / settings.secrets_dir}
    return paths


def _of_project(root: Path, environment: str) -> Iterator[Path]:
    yield from (root / name for name in BASE_NAMES)
    yield from (root / CONFIG_DIR / f"{name}{suffix}" for name in (environment, LOCAL) for suffix in SUFFIXES)
    yield root / ".env"
