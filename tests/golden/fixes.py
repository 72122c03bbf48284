"""Doing what a printed fix says, without thinking: at the place, in the words of the fix, nothing else."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from myfy_data.errors import Problem
from tests.golden.project import Project

_PLACE = re.compile(r"(.+):(\d+):(\d+)")
_KEY = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_SECRET_FILE = "secret file "


class CannotApplyError(Exception):
    """The fix is advice in words, so the case needs a mend of its own."""


def apply(project: Project, problem: Problem) -> None:
    """Apply the fix of one problem.

    Raises:
        CannotApplyError: no rule fits the fix.
    """
    for pattern, rule in _RULES:
        if found := re.fullmatch(pattern, problem.fix, re.DOTALL):
            rule(project, problem, *found.groups())
            return
    raise CannotApplyError(problem.fix)


class Line:
    """The line of a file at which a problem stands."""

    def __init__(self, project: Project, problem: Problem) -> None:
        place = _PLACE.fullmatch(problem.place)
        if place is None:
            raise CannotApplyError(f"no line at {problem.place!r}")
        self.path = project.root / place[1]
        self._lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        self._at = int(place[2]) - 1
        self.column = int(place[3]) - 1

    @property
    def text(self) -> str:
        """The line, without its end."""
        return self._lines[self._at].rstrip("\n")

    def become(self, *texts: str) -> None:
        """Put other lines in the place of this one."""
        self._lines[self._at : self._at + 1] = [f"{text}\n" for text in texts]
        self.path.write_text("".join(self._lines), encoding="utf-8")


def _delete_line(project: Project, problem: Problem) -> None:
    Line(project, problem).become()


def _rename(project: Project, problem: Problem, name: str) -> None:
    if problem.place.startswith("env "):
        project.variables[name] = project.variables.pop(problem.place.removeprefix("env "))
    elif problem.place.startswith(_SECRET_FILE):
        path = Path(problem.place.removeprefix(_SECRET_FILE))
        path.rename(path.with_name(name))
    elif problem.place == "argument":
        _rename_argument(project, problem.key, name)
    elif _PLACE.fullmatch(problem.place):
        line = Line(project, problem)
        line.become(line.text[: line.column] + _KEY.sub(name, line.text[line.column :], count=1))
    else:
        (project.root / problem.place).rename(project.root / name)
        project.request["files"] = [name]


def _name_file(project: Project, _problem: Problem, name: str) -> None:
    project.request["files"] = [name]


def _rename_argument(project: Project, key: str, name: str) -> None:
    *above, old = key.split(".")
    project.sets = [re.sub(rf"^([\w.]*\b)?{old}=", rf"\1{name}=", text) for text in project.sets]
    table = project.overrides
    if table:
        for part in above:
            table = table[part]
        table[name] = table.pop(old)


def _assign_in_file(project: Project, problem: Problem, key: str, sign: str, value: str) -> None:
    """Write the line in the place of the one that says this key, else beneath it, in the same table."""
    line = Line(project, problem)
    said = re.match(rf"(\s*(?:[\w.]+\.)?{re.escape(key)}\s*{sign}\s*)", line.text)
    if said:
        line.become(f"{said[1].rstrip()} {value}")
        return
    indent = line.text[: len(line.text) - len(line.text.lstrip())]
    if sign == ":" and line.text.rstrip().endswith(":"):
        indent += "  "
    line.become(line.text, f"{indent}{key}{' ' if sign == '=' else ''}{sign} {value}")


def _assign(project: Project, problem: Problem, key: str, value: str) -> None:
    """`KEY=value` sets a variable, its line in `.env`, or an argument."""
    text = "".join(shlex.split(value))
    if problem.place == "argument":
        _assign_argument(project, key, text)
    elif problem.place.startswith("env "):
        project.variables[key] = text
    else:
        Line(project, problem).become(f"{key}={value}")


def _assign_argument(project: Project, key: str, text: str) -> None:
    if project.sets:
        project.sets = [f"{key}={text}"]
        return
    last = key.rpartition(".")[2]
    name = last if last in project.overrides else key
    try:
        project.overrides[name] = json.loads(text)
    except ValueError:
        project.overrides[name] = text


def _leave_out(project: Project, _problem: Problem) -> None:
    project.sets = project.sets[1:]


def _unset(project: Project, _problem: Problem, name: str) -> None:
    del project.variables[name]


def _set_variables(project: Project, _problem: Problem, names: str) -> None:
    for name in names.split(" and "):
        project.variables[name] = "value"


def _set_whole_number(project: Project, _problem: Problem, name: str) -> None:
    project.variables[name] = "5"


def _set_beside(project: Project, _problem: Problem, name: str) -> None:
    project.variables[name] = "sqlite+aiosqlite:///./app.db"


def _shell(project: Project, problem: Problem) -> None:
    subprocess.run(["sh", "-c", problem.fix], cwd=project.root, check=True, timeout=30)


def _shell_after_words(project: Project, _problem: Problem, command: str) -> None:
    subprocess.run(["sh", "-c", command], cwd=project.root, check=True, timeout=30)


def _remove_lower(project: Project, problem: Problem, assignment: str) -> None:
    apply(project, Problem(problem.place, problem.key, problem.message, fix=assignment))


def _write_driver(project: Project, problem: Problem, driver: str) -> None:
    """The part before `://`, or the value of `driver`."""
    if problem.place.startswith("env "):
        name = problem.place.removeprefix("env ")
        project.variables[name] = re.sub(r"^[^:]+(?=:)", driver, project.variables[name])
        return
    line = Line(project, problem)
    line.become(re.sub(r'(?<=")[\w+]+(?=://|")', driver, line.text))


def _write_sslmode(project: Project, problem: Problem, option: str) -> None:
    line = Line(project, problem)
    line.become(re.sub(r"sslmode=\w+", option, line.text))


def _write_value(project: Project, problem: Problem, value: str) -> None:
    """A whole value in quotes."""
    line = Line(project, problem)
    line.become(re.sub(r'"[^"]*"', json.dumps(value), line.text))


def _write_word(project: Project, problem: Problem, word: str) -> None:
    """A bare value, which begins at the place."""
    line = Line(project, problem)
    line.become(line.text[: line.column] + word)


def _write_line(project: Project, problem: Problem, text: str) -> None:
    line = Line(project, problem)
    line.become(line.text[: line.column] + text)


def _line_above(project: Project, problem: Problem, header: str) -> None:
    line = Line(project, problem)
    line.become(header, line.text)


def _quote_value(project: Project, problem: Problem) -> None:
    line = Line(project, problem)
    line.become(re.sub(r"(=\s*|:\s+)(\S+)$", r'\1"\2"', line.text))


def _quote_key(project: Project, problem: Problem, key: str) -> None:
    line = Line(project, problem)
    line.become(line.text[: line.column] + re.sub(r"^\w+", key, line.text[line.column :]))


def _delete_character(project: Project, problem: Problem) -> None:
    line = Line(project, problem)
    line.become(line.text[: line.column] + line.text[line.column + 1 :])


def _as_utf8(project: Project, problem: Problem) -> None:
    path = project.root / problem.place.partition(":")[0]
    raw = path.read_bytes()
    path.write_text(raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1"), encoding="utf-8")


def _environment(project: Project, _problem: Problem, name: str) -> None:
    project.overrides.pop("environment", None)
    project.request["environment"] = name


def _move_to_base(project: Project, problem: Problem, base: str) -> None:
    line = Line(project, problem)
    text = line.text
    line.become()
    project.replace("[data]\n", f"[data]\n{text}\n", base)


_RULES: tuple[tuple[str, Callable[..., None]], ...] = (
    (r"delete this line|delete one of the two lines", _delete_line),
    (r"delete it, or rename it to (\S+) to keep it for yourself", _rename),
    (r"delete it, or write \\\S+ inside \"...\"", _delete_character),
    (r"delete the line; .*|delete the key, or write .*", _delete_line),
    (r"rename it to (\S+)(?: or the like| or myfy.yaml)?", _rename),
    (r"(?:touch|rm|mv|chmod|mkdir) .*|echo .+ > \S+", _shell),
    (r"replace the link with the file itself: (cp .*)", _shell_after_words),
    (r"remove the lower one: (.*)", _remove_lower),
    (r"name a file in it: (\S+)", _name_file),
    (r"(?:give the environment by its own argument: )?environment=\"(\w+)\", or .*", _environment),
    (r"leave this argument out", _leave_out),
    (r"unset (\w+)(?:, or give it a value)?", _unset),
    (r"set (\w+(?: and \w+)*)(?:, or give a default: .*)?", _set_variables),
    (r"set (\w+) to a whole number", _set_whole_number),
    (r"set (\w+) as well, which creates the profile", _set_beside),
    (r"([\w.]+)=(\S.*)", _assign),
    (r"([\w-]+) (=) (.*)", _assign_in_file),
    (r"(unset: .*?)  # removes what a lower layer put there", _write_line),
    (r"([\w-]+)(:) (.*)", _assign_in_file),
    (r"write (sslmode=\w+) in (?:its place|the URL's query)", _write_sslmode),
    (r"write (\S+) in its place", _write_driver),
    (r"(?:write it as|write the path itself:) (\w+\S*://\S+)", _write_value),
    (r"write it as (\w+='\w+')", _write_line),
    (r"write (true|false)", _write_word),
    (r"write (\[[\w.]+\]|\w+:)", _write_line),
    (r"put the line (\[data\]) above it", _line_above),
    (r"put the value in quotes|put text in quotes: key = \"text\"", _quote_value),
    (r"put it in quotes: (\"\w+\")", _quote_key),
    (r"save the file as UTF-8", _as_utf8),
    (r"move it to (\S+)", _move_to_base),
)
