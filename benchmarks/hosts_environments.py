"""One virtual environment for each library that `hosts.py` compares: upstream's has our distribution's name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-bench"

SERVER = ["uvicorn[standard]", "asyncpg"]
MYFY = ["myfy-core==0.1.2a94", "myfy-web==0.1.2a94"] if sys.version_info >= (3, 12) else []
PACKAGES = {
    "ours": ["--editable", str(ROOT), "fastapi", "starlette", "litestar", *MYFY, *SERVER],
    "advanced_alchemy": ["advanced-alchemy", "fastapi", "starlette", "litestar", *SERVER],
    "upstream": ["myfy-data==0.1.2a94", *MYFY, *SERVER],
}
ENVIRONMENT_OF = {"ours": "ours", "plain": "ours", "advanced_alchemy": "advanced_alchemy", "upstream": "upstream"}
"""Which environment a library runs in: plain SQLAlchemy beside ours, on the very same packages."""

_VERSIONS = """
import importlib.metadata, sys
for name in sys.argv[1:]:
    try:
        print(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
"""
_SHOWN = (
    *("myfy-data", "advanced-alchemy", "SQLAlchemy", "asyncpg", "uvicorn", "uvloop", "httptools"),
    *("fastapi", "starlette", "litestar", "myfy-web"),
)


def python_of(library: str) -> Path:
    """The interpreter that a library's applications run on."""
    return HOME / f"hosts-{ENVIRONMENT_OF[library]}" / "bin" / "python"


def make_environment(library: str) -> None:
    """Make a library's environment unless it is there.

    Raises:
        subprocess.CalledProcessError: a package cannot be installed.
    """
    python = python_of(library)
    directory = python.parent.parent
    done = directory / "complete"
    if done.exists():
        return
    print(f"making {directory.relative_to(ROOT)}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(directory)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *PACKAGES[ENVIRONMENT_OF[library]]], check=True)
    done.touch()


def versions(library: str) -> str:
    """What is installed where a library runs."""
    command = [str(python_of(library)), "-c", _VERSIONS, *_SHOWN]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return ", ".join(done.stdout.split("\n")[:-1])
