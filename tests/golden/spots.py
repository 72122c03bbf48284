"""The text at the place of a problem: a line of a file, a variable, or an argument."""

from __future__ import annotations

import re
from collections.abc import Callable

from myfy_data.errors import Problem
from tests.golden.project import Project

PLACE = re.compile(r"(.+):(\d+):(\d+)")
SECRET_FILE = "secret file "


class CannotApplyError(Exception):
    """No rule fits the fix: word it so that it can be pasted, or write the rule that does what it says."""


class Line:
    """The line of a file at which a problem stands."""

    def __init__(self, project: Project, place: str) -> None:
        found = PLACE.fullmatch(place)
        if found is None:
            raise CannotApplyError(f"no line at {place!r}")
        self.path = project.root / found[1]
        with self.path.open(encoding="utf-8", newline="") as file:
            self.lines = file.read().removesuffix("\n").split("\n")
        self.at = int(found[2]) - 1
        self.column = int(found[3]) - 1

    @property
    def text(self) -> str:
        """The line, without its end."""
        return self.lines[self.at]

    @property
    def indent(self) -> str:
        """The spaces that it begins with."""
        return self.text[: len(self.text) - len(self.text.lstrip())]

    def become(self, *texts: str) -> None:
        """Put other lines in the place of this one."""
        self.lines[self.at : self.at + 1] = texts
        self.save()

    def save(self) -> None:
        """Write the lines back."""
        self.path.write_text("".join(f"{line}\n" for line in self.lines), encoding="utf-8")

    def take_block(self) -> list[str]:
        """Cut out this line and what stands below it in its table; the lines of the table alone are returned."""
        end = self.at + 1
        while end < len(self.lines) and self._is_below(self.lines[end]):
            end += 1
        block = self.lines[self.at + 1 : end]
        del self.lines[self.at : end]
        self.save()
        return block

    def _is_below(self, line: str) -> bool:
        if self.path.suffix == ".toml":
            return not line.startswith("[")
        return line.startswith(f"{self.indent} ")


def change_text(project: Project, problem: Problem, change: Callable[[str, int], str]) -> None:
    """Put `change(text, column)` in the place of the text at a problem."""
    if problem.place.startswith("env "):
        name = problem.place.removeprefix("env ")
        project.variables[name] = change(project.variables[name], 0)
    elif problem.place == "argument":
        project.sets = [change(text, 0) for text in project.sets]
        last = problem.key.rpartition(".")[2]
        for key in [key for key in project.overrides if key.rpartition(".")[2] == last]:
            project.overrides[key] = change(project.overrides[key], 0)
    else:
        line = Line(project, problem.place)
        line.become(change(line.text, line.column))
