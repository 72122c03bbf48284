"""OmegaConf; it merges, and checks no types unless it is given a class. TOML comes from tomli: it reads YAML only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from config_project import OTHERS, OVERRIDDEN, files
from config_rows import Read
from config_rows.parsing import parse


def _read(path: Path) -> Any:
    if path.suffix == ".toml":
        return OmegaConf.create(parse(path))
    # Its default of 10,000 nodes is too few for 1000 profiles.
    return OmegaConf.load(path, max_yaml_expanded_nodes=None)


def load(directory: Path) -> Read:
    """Both files and the variable as three configurations, merged."""
    value = os.environ[OTHERS.format(OVERRIDDEN.upper())]
    variable = OmegaConf.from_dotlist([f"data.profiles.{OVERRIDDEN}.pool_size={value}"])
    profiles: Any = OmegaConf.merge(*(_read(path) for path in files(directory)), variable).data.profiles
    return lambda profile, key: profiles[profile][key]
