"""An environment with the other packages of myfy, as locked, and this clone in place of the package that they pin."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv-sisters"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements" / "sisters.txt"
CACHE = ROOT / ".cache" / "sisters"
DIST = CACHE / "dist"

STEP_LIMIT = 300.0
"""Seconds for one program."""


class StepError(Exception):
    """A program did not do what it has to; the text holds what it wrote."""


def prepare() -> None:
    """Make the environment, or what is missing of it, and install this clone as users get it: as a wheel.

    Raises:
        StepError: something cannot be installed.
    """
    wanted = f"{sys.version} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}"
    stamp = VENV / "stamp"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True)
        # --no-deps: the lock is complete, and what its packages pin is not in it.
        run(pip("install", "--quiet", "--no-deps", "--require-hashes", "--requirement", str(LOCK)))
        stamp.write_text(wanted, encoding="utf-8")
    shutil.rmtree(DIST, ignore_errors=True)
    run(pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(DIST), str(ROOT)))
    run(pip("install", "--quiet", "--no-deps", "--force-reinstall", *map(str, DIST.glob("*.whl"))))


def pip(*arguments: str) -> list[str]:
    """A command of the environment's pip."""
    return [str(PYTHON), "-m", "pip", *arguments]


def run(
    command: Sequence[str],
    *,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    exit_codes: Sequence[int] = (0,),
) -> str:
    """Run a program; both its streams.

    Args:
        command: the program and its arguments.
        folder: its working directory.
        variables: of its environment, beside ours.
        exit_codes: what it may end with.

    Raises:
        StepError: it ends with another code.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MYFY_", "PYTHONPATH"))}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ | dict(variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=STEP_LIMIT,
        check=False,
    )
    if done.returncode not in exit_codes:
        raise StepError(f"{' '.join(command)}\nends with {done.returncode}:\n{done.stdout}")
    return done.stdout
