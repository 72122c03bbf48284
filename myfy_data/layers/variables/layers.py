"""The layers of a deployment: `secrets_dir`, `.env` and the process environment (contract C3.2, C3.6, C3.8)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from myfy_data.layers.key_spec import PREFIX
from myfy_data.layers.layer import Layer
from myfy_data.layers.unknown_keys import check_names
from myfy_data.layers.variables.fitting import Fitter
from myfy_data.layers.variables.reader import TextReader, Variable
from myfy_data.layers.variables.secrets_dir import list_secrets, read_secrets, variable_name
from myfy_data.origins import Origin

Note = Callable[..., None]


def asked_config(variables: Iterable[Variable]) -> list[str] | None:
    """The files that `MYFY_DATA_CONFIG` names; None when it does not."""
    said = _value(variables, "CONFIG")
    return [name for name in said.value.split(os.pathsep) if name] if said else None


def _value(variables: Iterable[Variable], key: str) -> Variable | None:
    return next((item for item in variables if item.name.upper() == PREFIX + key and item.value.strip()), None)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Reads the three sources of named text; profile names fit across all of them.

    Attributes:
        reader: makes layers of variables.
        root: the project root, which paths in files are relative to.
        dotenv_name: how messages call `.env`.
        note: told whether there is a `secrets_dir`.
        elsewhere: whether a `secrets_dir` that is not here is no problem.
    """

    reader: TextReader
    root: Path | None
    dotenv_name: str
    note: Note
    elsewhere: bool = False

    def layers(self, said: Sequence[Layer], process: Sequence[Variable], dotenv: Sequence[Variable]) -> list[Layer]:
        """The three layers, lowest first.

        Args:
            said: the layers of files, lowest first, then the arguments.
            process: our variables of the process.
            dotenv: our variables of `.env`; none where it is not read.
        """
        directory = self._secrets_dir(said, process, dotenv)
        if directory and self.elsewhere and not directory[0].is_dir():
            self.note(f"secrets_dir {directory[0]}", "not read", "it is not on this machine")
            directory = None
        paths = list_secrets(*directory, self.reader.findings) if directory else []
        if directory or not self.elsewhere:
            self.note(f"secrets_dir {directory[0]}" if directory else "secrets_dir", "found" if directory else "absent")
        fitter = self._fitter(said, (*dotenv, *process), paths)
        secrets = read_secrets(paths, fitter, self.reader.findings)
        named = (("secrets_dir", secrets), (self.dotenv_name, dotenv), ("environment", process))
        return [self._layer(name, variables, fitter) for name, variables in named]

    def _layer(self, name: str, variables: Sequence[Variable], fitter: Fitter) -> Layer:
        layer = self.reader.layer(name, variables, fitter)
        if any(variable.value.lstrip().startswith("{") for variable in variables):
            check_names(layer, self.reader.key_spec, self.reader.findings)  # JSON may hold any name
        return layer

    def _fitter(self, said: Sequence[Layer], variables: Sequence[Variable], paths: Sequence[Path]) -> Fitter:
        declared = [name for layer in said for name in layer.profiles]
        fitter = Fitter(self.reader.key_spec, declared, complete=not any(layer.broken for layer in said))
        defaults = [layer.root["default"] for layer in said if "default" in layer.root]
        default = _value(variables, "DEFAULT")
        fallback = default.value if default else (defaults or ["default"])[-1]
        names = [variable.name for variable in variables]
        fitter.admit_new_profiles([*names, *(variable_name(path.name) for path in paths)], fallback)
        return fitter

    def _secrets_dir(
        self, said: Sequence[Layer], process: Sequence[Variable], dotenv: Sequence[Variable]
    ) -> tuple[Path, Origin] | None:
        """The directory and its origin: arguments, process, `.env`, then files from the top."""
        *files, arguments = said
        here = self.reader.base_dir or Path()
        if "secrets_dir" in arguments.root:
            return _below(here, arguments.root["secrets_dir"]), arguments.origin(("secrets_dir",))
        if variable := _value(process, "SECRETS_DIR") or _value(dotenv, "SECRETS_DIR"):
            return _below(here, variable.value), variable.origin
        for layer in reversed(files):
            if "secrets_dir" in layer.root:
                return _below(self.root or here, layer.root["secrets_dir"]), layer.origin(("secrets_dir",))
        return None


def _below(base: Path, text: str) -> Path:
    return base / os.path.expanduser(text)  # noqa: PTH111 - Path.expanduser raises for an unknown user
