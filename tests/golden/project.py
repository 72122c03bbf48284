"""A broken project as a case describes it, on disk and with its variables, ready to be mended."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myfy_data import ConfigError, load_settings
from myfy_data.errors import config_error
from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.loader import LoadReport, inspect_settings

SECRET = "hunter2-Zq9"
HERE = Path(__file__).parent


class Project:
    """What a case put on disk, and the arguments and variables of its load; fixes change all of them.

    Attributes:
        root: the project root.
        start: where the search for files begins.
        variables: the process environment.
        overrides: typed arguments.
        sets: `KEY=VALUE` arguments.
        request: the remaining arguments of a load.
    """

    def __init__(self, root: Path, case: Case) -> None:
        self.root = root
        self.start = root / case.start
        self.variables = {name: value.replace("<project>", str(root)) for name, value in case.variables.items()}
        self.overrides: dict[str, Any] = deepcopy(dict(case.overrides))
        self.sets = list(case.sets)
        self.request: dict[str, Any] = {"files": case.explicit, "environment": case.environment}
        (root / ".git").mkdir()  # here the search for files ends
        for name, content in case.files.items():
            self.write(name, content)
        for name, target in case.links.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(target)
        if case.prepare is not None:
            case.prepare(root)

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file; its directories come into being."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if path.parent.name == "secrets":
            path.chmod(0o600)

    def replace(self, old: str, new: str, file: str = "myfy.toml") -> None:
        """Edit a file as a person would; `old` must stand in it."""
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text, text
        self.write(file, text.replace(old, new))

    def error(self) -> ConfigError | None:
        """What a load of this project raises."""
        if self.sets:  # only the command line takes arguments as text
            found = self.report().problems
            return config_error(found) if found else None
        try:
            load_settings(self.start, environ=self.variables, overrides=self.overrides, **self.request)
        except ConfigError as error:
            return error
        return None

    def report(self) -> LoadReport:
        """What `config check` has to tell about this project."""
        request = LoadRequest(
            self.start, environ=self.variables, overrides=self.overrides, sets=self.sets, **self.request
        )
        return inspect_settings(request, files=True)

    def said(self) -> str:
        """The text of `config check`, without this machine's paths."""
        report = self.report()
        text = "\n".join([*map(str, report.problems), *(f"warning: {warning}" for warning in report.warnings)])
        return text.replace(shlex.quote(str(self.root)), "<project>").replace(str(self.root), "<project>")


@dataclass(frozen=True)
class Case:
    """One broken project.

    Attributes:
        files: the text of each file by its path.
        variables: the process environment; `<project>` in a value is the project root.
        overrides: typed arguments.
        sets: `KEY=VALUE` arguments of the command line.
        explicit: exactly these files; None for the search.
        environment: the environment's name, as an argument.
        links: where each link leads, by its path.
        prepare: does to the project on disk what files cannot say.
        start: where the search for files begins, below the project root.
    """

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    explicit: tuple[str, ...] | None = None
    environment: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], object] | None = None
    start: str = ""


def golden_file(name: str) -> Path:
    """Where the text of a case stands."""
    return HERE / f"{name.replace(' ', '_')}.txt"
