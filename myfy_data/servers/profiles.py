"""Profiles that give a driver and no address: which they are, and the address that a server gives (C13.4)."""

from __future__ import annotations

import re
from pathlib import Path

from myfy_data.redaction import DatabaseURL
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.models import IDENTITY_KEYS

INSTALL: dict[str, str] = {
    "postgresql": 'pip install "myfy-data[embedded]"',
    "mysql": "install mariadbd (Debian: apt-get install mariadb-server)",
}
"""What brings a server that can be started."""

_LONGEST = 60


def with_url(profile: DatabaseSettings, url: str) -> DatabaseSettings:
    """The same profile with an address."""
    return profile.model_copy(update={**dict.fromkeys(IDENTITY_KEYS), "database_url": DatabaseURL(url)})


def database_name(root: Path, profile: str, purpose: str) -> str:
    """The name of a project's database on a server of this machine; stands in a URL as it is."""
    return re.sub(r"\W+", "_", f"{root.name}_{profile}_{purpose}".lower())[-_LONGEST:].lstrip("_")
