"""Programs that clusters need and few machines have: found on this one, else unpacked from packages, not installed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.own_servers import find
from tests.servers import NoServerError

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "clusters"
"""Where unpacked packages stay; `make clean` removes them."""

SYSTEM_PYTHON = "/usr/bin/python3"
"""One that an account without rights may run; a virtual environment's may belong to root alone."""


def program(name: str, *packages: str) -> tuple[Path, Path | None]:
    """A program, and the directory of its libraries where it was unpacked.

    Args:
        name: the program, such as `etcd`.
        packages: Debian's packages that have it, and what it needs.

    Raises:
        NoServerError: it is not here, and the packages cannot be had.
    """
    found = find(name)
    if found is not None:
        return found, None
    folder = CACHE / packages[0]
    if not folder.is_dir():
        _unpack(folder, packages)
    [unpacked] = [one for one in folder.glob(f"usr/*bin/{name}") if one.is_file()]
    return unpacked, next(folder.glob("usr/lib/*-linux-gnu"), None)


def _unpack(folder: Path, packages: Sequence[str]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        unpacked = Path(place) / "unpacked"
        try:
            _run(["apt-get", "download", *packages], Path(place))
            for package in Path(place).glob("*.deb"):
                _run(["dpkg", "-x", str(package), str(unpacked)], Path(place))
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoServerError(f"no {packages[0]}: install it (Debian: apt-get install {packages[0]})") from error
        unpacked.rename(folder)


def python_packages(name: str, *requirements: str) -> Path:
    """A directory with packages for the system's Python.

    Raises:
        NoServerError: there is no such Python, or no package index.
    """
    folder = CACHE / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            made = Path(place) / "packages"
            pip = [sys.executable, "-m", "pip", "--python", SYSTEM_PYTHON, "install", "--quiet", "--target", str(made)]
            try:
                _run([*pip, *requirements], Path(place))
            except (OSError, subprocess.CalledProcessError) as error:
                raise NoServerError(f"no {name}: pip cannot install {', '.join(requirements)}") from error
            made.rename(folder)
    return folder


def _run(command: Sequence[str], place: Path) -> None:
    subprocess.run(command, cwd=place, check=True, capture_output=True, timeout=600)
