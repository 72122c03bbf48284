"""The page that says how to keep this package beside the others: each command is run in a new environment.

Its marks, beside those of `tests.pages`:

    <!-- new environment -->     the blocks that follow stand in a new folder with an empty environment of its own
    <!-- there: NAME -->         the content of a file
    <!-- there -->               commands after `$`; each line below one is in what it prints, but for `...`
    <!-- there, exit 1 -->       the same; the last command ends with this code
"""

from __future__ import annotations

import os
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

from tests.pages import Block, blocks
from tests.sisters.environment import CACHE, DIST, ROOT, VENV, StepError, run

PAGE = ROOT / "docs" / "how-to" / "sister-packages.md"


def judge(page: Path = PAGE) -> None:
    """Follow the page.

    Raises:
        StepError: a command ends in another way than the page says, or does not print what it shows.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for number, block in enumerate(blocks(page.read_text(encoding="utf-8"))):
            if "new environment" in block.marks:
                folder = Path(temporary, str(number))
                venv.create(folder / ".venv", with_pip=True)
                (folder / ".venv" / "bin" / "uv").symlink_to(VENV / "bin" / "uv")
            _do(block, folder)


def _do(block: Block, folder: Path) -> None:
    if path := block.argument("there") or block.argument("from"):
        (folder / Path(path).name).write_text(block.text, encoding="utf-8")
    for mark in block.marks:
        if mark == "there" or mark.startswith("there, exit "):
            _run_console(block, folder, int(mark.removeprefix("there").removeprefix(", exit ") or 0))


def _run_console(block: Block, folder: Path, exit_code: int) -> None:
    told = list(_commands(block.text))
    variables = _variables(folder)
    for number, (command, shown) in enumerate(told, start=1):
        code = exit_code if number == len(told) else 0
        try:
            said = run(["/bin/sh", "-c", command], folder=folder, variables=variables, exit_codes=(code,))
        except StepError as error:
            raise StepError(f"line {block.line} of the page: {error}") from None
        if missing := [line for line in shown if line not in said]:
            raise StepError(f"line {block.line} of the page: {command}\ndoes not print {missing}:\n{said}")


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command and the lines that are shown of what it prints."""
    for part in f"\n{text}".split("\n$ ")[1:]:
        command, *shown = part.splitlines()
        yield command, [line.strip("…").strip() for line in shown if line.strip("…. ")]


def _variables(folder: Path) -> dict[str, str]:
    """The environment's own programs first, and this clone where a package index has the released one."""
    binaries = folder / ".venv" / "bin"
    return {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(binaries.parent),
        "PIP_FIND_LINKS": str(DIST),
        "UV_FIND_LINKS": str(DIST),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(CACHE / "uv")),
        "UV_PYTHON_DOWNLOADS": "never",
    }
