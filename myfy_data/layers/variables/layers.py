"""The layers of a deployment: `secrets_dir`, `.env` and the process environment (contract C3.2, C3.6, C3.8)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from myfy_data.layers.key_spec import PREFIX
from myfy_data.layers.layer import Layer, LayerStatus
from myfy_data.layers.variables.fitting import Fitter
from myfy_data.layers.variables.reader import TextReader, Variable
from myfy_data.layers.variables.secrets_dir import list_secrets, read_secrets, variable_name
from myfy_data.origins import Origin


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
        elsewhere: whether a `secrets_dir` that is not here is no problem.
    """

    reader: TextReader
    root: Path | None
    dotenv_name: str
    elsewhere: bool = False

    def layers(
        self, said: Sequence[Layer], process: Sequence[Variable], dotenv: Sequence[Variable]
    ) -> tuple[list[Layer], list[LayerStatus]]:
        """The three layers, lowest first; and what is to be told of the `secrets_dir`.

        Args:
            said: the layers of files, lowest first, then the arguments.
            process: our variables of the process.
            dotenv: our variables of `.env`; none where it is not read.
        """
        directory = self._secrets_dir(said, process, dotenv)
        statuses = self._statuses(directory)
        paths = list_secrets(*directory, self.reader.findings) if directory and statuses[0].state == "found" else []
        fitter = self._fitter(said, (*dotenv, *process), paths)
        secrets = read_secrets(paths, fitter, self.reader.findings) if paths else ()
        named = (("secrets_dir", secrets), (self.dotenv_name, dotenv), ("environment", process))
        return [self.reader.layer(name, variables, fitter) for name, variables in named], statuses

    def _statuses(self, directory: tuple[Path, Origin] | None) -> list[LayerStatus]:
        if directory is None:
            return [] if self.elsewhere else [LayerStatus("secrets_dir", "absent")]
        name = f"secrets_dir {directory[0]}"
        if self.elsewhere and not directory[0].is_dir():
            return [LayerStatus(name, "not read", "it is not on this machine")]
        return [LayerStatus(name, "found")]

    def _fitter(self, said: Sequence[Layer], variables: Sequence[Variable], paths: Sequence[Path]) -> Fitter:
        declared = [name for layer in said for name in layer.profiles]
        defaults = [layer.root["default"] for layer in said if "default" in layer.root]
        default = _value(variables, "DEFAULT")
        fallback = default.value if default else (defaults or ["default"])[-1]
        names = [variable.name for variable in variables]
        fitter = Fitter(self.reader.key_spec, declared, complete=not any(layer.broken for layer in said))
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
