"""What a fix does to variables, arguments, whole files, and by commands."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import trustme

from myfy_data.errors import Problem
from tests.golden.project import SECRET, Project
from tests.golden.spots import PLACE, SECRET_FILE, Line
from tests.sandbox import RUN_TIMEOUT, child_environment

_CA = trustme.CA()

_CLIENT = _CA.issue_cert("app.internal", common_name="app")

TYPED = {
    "tls_ca": _CA.cert_pem.bytes().decode(),
    "tls_cert": _CLIENT.cert_chain_pems[0].bytes().decode(),
    "tls_key": _CLIENT.private_key_pem.bytes().decode(),
}
"""What a person types into a command that asks for the file of a key; a password where nothing is said."""

KEY = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def rename(project: Project, problem: Problem, name: str) -> None:
    if problem.place.startswith("env "):
        project.variables[name] = project.variables.pop(problem.place.removeprefix("env "))
    elif problem.place.startswith(SECRET_FILE):
        path = Path(problem.place.removeprefix(SECRET_FILE))
        path.rename(path.with_name(name))
    elif problem.place == "argument":
        rename_argument(project, problem.key, name)
    elif PLACE.fullmatch(problem.place):
        line = Line(project, problem.place)
        line.become(line.text[: line.column] + KEY.sub(name, line.text[line.column :], count=1))
    else:
        (project.root / problem.place).rename(project.root / name)
        project.request["files"] = [name]


def name_file(project: Project, _problem: Problem, name: str) -> None:
    project.request["files"] = [name]


def rename_argument(project: Project, key: str, name: str) -> None:
    *above, old = key.split(".")
    project.sets = [re.sub(rf"^([\w.]*\b)?{old}=", rf"\1{name}=", text) for text in project.sets]
    table = project.overrides
    if table:
        for part in above:
            table = table[part]
        table[name] = table.pop(old)


def assign(project: Project, problem: Problem, key: str, value: str) -> None:
    """`KEY=value` sets a variable, its line in `.env`, or an argument."""
    text = re.sub(r"^\$(\w+)$", lambda found: project.variables.get(found[1], ""), "".join(shlex.split(value)))
    if problem.place == "argument":
        assign_argument(project, key, text)
    elif problem.place.startswith("env "):
        project.variables[key] = text
    else:
        Line(project, problem.place).become(f"{key}={value}")


def assign_argument(project: Project, key: str, text: str) -> None:
    if project.sets:
        project.sets = [f"{key}={text}"]
        return
    last = key.rpartition(".")[2]
    name = last if last in project.overrides else key
    try:
        project.overrides[name] = json.loads(text)
    except ValueError:
        project.overrides[name] = text


def set_variable(project: Project, _problem: Problem, name: str, value: str) -> None:
    project.variables[name] = str(project.root / value)


def set_argument(project: Project, _problem: Problem, text: str) -> None:
    project.sets = [text]


def leave_out(project: Project, problem: Problem) -> None:
    project.sets = project.sets[1:]
    project.overrides.pop(problem.key, None)


def unset(project: Project, _problem: Problem, name: str) -> None:
    del project.variables[name]


def set_variables(project: Project, _problem: Problem, names: str) -> None:
    for name in names.split(" and "):
        project.variables[name] = "value"


def set_whole_number(project: Project, _problem: Problem, name: str) -> None:
    project.variables[name] = "5"


def set_beside(project: Project, _problem: Problem, name: str) -> None:
    project.variables[name] = "sqlite+aiosqlite:///./app.db"


def shell(project: Project, problem: Problem, command: str = "") -> None:
    """Run a command, and type what its file is for where it reads from the keyboard."""
    typed = next((text for key, text in TYPED.items() if problem.key.endswith(key)), SECRET)
    python = shlex.quote(sys.executable)
    command = re.sub(r"^myfy-data ", f"{python} -m myfy_data ", command or problem.fix)
    subprocess.run(
        ["sh", "-c", command],
        cwd=project.root,
        input=typed,
        text=True,
        check=True,
        timeout=RUN_TIMEOUT,
        env=child_environment(),
    )


def in_process(project: Project, problem: Problem, name: str, value: str) -> None:
    Line(project, problem.place).become()
    project.variables[name] = value


def into_base(project: Project, problem: Problem, file: str, key: str, value: str) -> None:
    """Say in the base file what a line of another source says."""
    Line(project, problem.place).become()
    text = (project.root / file).read_text(encoding="utf-8")
    project.write(file, re.sub(rf"^{key} = .*$", lambda _: f"{key} = {value}", text, flags=re.MULTILINE))


def into_a_file(project: Project, problem: Problem) -> None:
    """Write a value to a file, and name that."""
    line = Line(project, problem.place)
    key, _, value = line.text.partition(" = ")
    project.write(f"{key}.pem", TYPED.get(key) or str(json.loads(value)))
    (project.root / f"{key}.pem").chmod(0o600)
    line.become(f'{key} = "{key}.pem"')


def nothing(_project: Project, _problem: Problem) -> None:
    """What the other fixes mend."""


def start_at_root(project: Project, _problem: Problem) -> None:
    project.start = project.root


def no_service_links(project: Project, _problem: Problem) -> None:
    for name in [name for name in project.variables if re.search("SERVICE|_PORT", name)]:
        del project.variables[name]


def leave_one_out(project: Project, problem: Problem) -> None:
    last = problem.key.rpartition(".")[2]
    del project.overrides[next(key for key in project.overrides if key.endswith(last))]


def name_setting(project: Project, problem: Problem, key: str) -> None:
    project.overrides = {key: 7}


def password_beside(project: Project, problem: Problem) -> None:
    """Give the password in the layer that gives the URL."""
    if problem.place.startswith("env "):
        project.variables["MYFY_DATA_PASSWORD"] = SECRET
        return
    line = Line(project, problem.place)
    line.become(line.text, f'{line.indent}password = "{SECRET}"')


def environment(project: Project, _problem: Problem, name: str) -> None:
    project.overrides.pop("environment", None)
    project.request["environment"] = name
