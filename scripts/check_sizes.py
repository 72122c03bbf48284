"""Alarms for files and functions that grew too large; the limits are those of CONTRIBUTING.md.

Usage: `python scripts/check_sizes.py PATH...`. Prints what is over a limit; exit code 1 when something fails.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

FILE_WARNS, FILE_FAILS = 300, 400
BODY_WARNS, BODY_FAILS = 25, 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Alarm:
    """One file or function over a limit."""

    place: str
    what: str
    lines: int
    fails: bool

    def __str__(self) -> str:
        return f"{'error' if self.fails else 'warning'}: {self.place}: {self.what} has {self.lines} lines"


def body_lines(function: Function) -> int:
    """The lines of a function's body, its docstring not counted."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not statements:
        return 0
    return (function.end_lineno or function.lineno) - statements[0].lineno + 1


def functions(source: str) -> Iterator[Function]:
    """Every function and method of a module, nested ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            yield node


def alarms(path: Path, source: str) -> Iterator[Alarm]:
    """What is over a limit in one file."""
    lines = len(source.splitlines())
    if lines > FILE_WARNS:
        yield Alarm(f"{path}:1", "the file", lines, lines > FILE_FAILS)
    for function in functions(source):
        body = body_lines(function)
        if body > BODY_WARNS:
            yield Alarm(f"{path}:{function.lineno}", f"{function.name}()", body, body > BODY_FAILS)


def python_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Every Python file under the paths, in order."""
    for path in paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def main(arguments: list[str]) -> int:
    """Check the given paths."""
    sources = {path: path.read_text(encoding="utf-8") for path in python_files(map(Path, arguments))}
    found = [alarm for path, source in sources.items() for alarm in alarms(path, source)]
    for alarm in found:
        print(alarm)
    bodies = [body_lines(function) for source in sources.values() for function in functions(source)]
    print(f"{len(sources)} files, {len(bodies)} functions, median body {median(bodies or [0]):g} lines")
    return 1 if any(alarm.fails for alarm in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
