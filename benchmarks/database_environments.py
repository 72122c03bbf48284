"""The rows of `database.py`, and one virtual environment for each library: upstream's has our distribution's name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-bench"
DRIVERS = ["asyncpg", "aiomysql", "aiosqlite"]
PACKAGES = {
    "raw": DRIVERS,
    "plain": ["sqlalchemy[asyncio]", *DRIVERS],
    "ours": ["--editable", f"{ROOT}[postgresql,mysql]"],
    "advanced_alchemy": ["advanced-alchemy", *DRIVERS],
    "upstream": ["myfy-data==0.1.2a94", "myfy-core==0.1.2a94", *DRIVERS],
    "fastapi_sqla": ["fastapi-sqla", "sqlalchemy[asyncio]", *DRIVERS],
}


@dataclass(frozen=True)
class Row:
    """One library in one setting.

    Attributes:
        title: how tables call it.
        module: which of `database_rows`.
        environment: which of `PACKAGES` it runs on.
        pre_ping: whether it is asked to check idle connections.
        operations: what it can do.
    """

    title: str
    module: str
    environment: str
    pre_ping: bool
    operations: tuple[str, ...] = ("read", "insert", "change")


BASE, UNCHECKED, OURS = "plain", "plain_unchecked", "ours"
ROWS = {
    OURS: Row("myfy-data", "ours", "ours", pre_ping=True),
    "ours_read_only": Row("myfy-data, read_only", "ours_read_only", "ours", pre_ping=True, operations=("read",)),
    BASE: Row("SQLAlchemy, pre-ping", "plain", "plain", pre_ping=True),
    UNCHECKED: Row("SQLAlchemy, no ping", "plain", "plain", pre_ping=False),
    "upstream": Row("upstream myfy-data, pre-ping", "upstream", "upstream", pre_ping=True),
    "advanced_alchemy": Row("advanced-alchemy, no ping", "advanced_alchemy", "advanced_alchemy", pre_ping=False),
    "fastapi_sqla": Row("fastapi-sqla, no ping", "fastapi_sqla", "fastapi_sqla", pre_ping=False),
    "raw": Row("the driver's pool, no ping", "raw", "raw", pre_ping=False),
}
"""Each with its own default for pings; plain SQLAlchemy with both."""

_VERSIONS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        print(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
"""
_SHOWN = ("myfy-data", "advanced-alchemy", "fastapi-sqla", "SQLAlchemy", *DRIVERS)


def python_of(environment: str) -> Path:
    """The interpreter of an environment."""
    return HOME / f"database-{environment}" / "bin" / "python"


def make_environment(environment: str) -> None:
    """Make an environment unless it is there.

    Raises:
        subprocess.CalledProcessError: a package cannot be installed.
    """
    python = python_of(environment)
    directory = python.parent.parent
    done = directory / "complete"
    if done.exists():
        return
    print(f"making {directory.relative_to(ROOT)}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(directory)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *PACKAGES[environment]], check=True)
    done.touch()


def versions(rows: Sequence[str]) -> list[str]:
    """What is installed where each row runs, a line for each environment."""
    lines = []
    for environment in dict.fromkeys(ROWS[row].environment for row in rows):
        command = [str(python_of(environment)), "-c", _VERSIONS, *_SHOWN]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        lines.append(f"{environment.replace('_', '-')}: {', '.join(done.stdout.splitlines())}")
    return lines
