"""Gathering every layer, low to high, in the order of contract C3.2."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from myfy_data.layers.environment_name import (
    KEY,
    UNSAID,
    EnvironmentName,
    require_overlay,
    said_by,
    usable,
)
from myfy_data.layers.files.discovery import LOCAL, Discovery, Project
from myfy_data.layers.files.layer import read_file_layer
from myfy_data.layers.key_spec import KeySpec, fold_name
from myfy_data.layers.layer import Findings, Layer, LayerStatus
from myfy_data.layers.top_level_keys import refuse_environment, resolve_roots, root_text
from myfy_data.layers.unknown_keys import check_names
from myfy_data.layers.variables.arguments import ARGUMENT, ArgumentReader, at_override
from myfy_data.layers.variables.dotenv import DotenvFile, read_dotenv
from myfy_data.layers.variables.layers import Deployment, asked_config
from myfy_data.layers.variables.reader import TextReader, process_variables
from myfy_data.layers.variables.unused import unused_variables
from myfy_data.redaction import redact_text

_EXPLICIT = "the files were named explicitly"
_IN_TEST = "the environment is test"
_OF_ONE_MACHINE = "it belongs to this machine"


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What a caller asked for; values may be secret, so they are left out of `repr`.

    Attributes:
        start: where the search begins; the working directory when None.
        files: exactly these files, in place of discovery, overlays and `.env`; None for the search.
        environment: the environment's name.
        environ: variables in place of `os.environ`.
        overrides: typed arguments, nested or with dotted keys.
        sets: `KEY=VALUE` arguments, read as text.
        defaults: typed values below all layers, keyed as `overrides`.
        elsewhere: load what the files say for another machine: without `.env` and `config/local.*`, and with references
            and mounted secrets that are not here left as they are written (contract C14.4).
    """

    start: str | os.PathLike[str] | None = None
    files: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] | None = None
    environment: str | None = None
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    overrides: Mapping[str, Any] | None = field(default=None, repr=False)
    sets: Sequence[str] = field(default=(), repr=False)
    defaults: Mapping[str, Any] = field(default_factory=dict, repr=False)
    elsewhere: bool = False


@dataclass(slots=True)
class LoadedLayers:
    """All layers of one load, lowest first, and what the load needs beside them."""

    layers: list[Layer] = field(repr=False)
    statuses: list[LayerStatus]
    environment: EnvironmentName
    start: Path | None
    root: Path | None
    variables: Mapping[str, str] = field(repr=False)
    elsewhere: bool = False

    @property
    def file_base(self) -> Path | None:
        """What relative paths in files are relative to (contract C3.12)."""
        return self.root or self.start

    @property
    def is_complete(self) -> bool:
        """Whether every file could be read; without one of them, what is declared is unknown."""
        return not any(layer.broken for layer in self.layers)


class LayerLoader:
    """Reads every source once.

    Args:
        request: what the caller asked for.
        vocabulary: the known keys.
        findings: where problems and warnings go.
    """

    def __init__(self, request: LoadRequest, key_spec: KeySpec, findings: Findings) -> None:
        self._request = request
        self._key_spec = key_spec
        self._findings = findings
        self._environ = os.environ if request.environ is None else request.environ
        self._process = process_variables(self._environ)
        self._discovery = Discovery(request.start, findings)
        self._reader = TextReader(key_spec, self._discovery.start, findings)
        self._statuses = [LayerStatus("defaults", "found")]
        by_variable = request.files is None
        asked = asked_config(self._process) if by_variable else request.files
        self._is_explicit = asked is not None
        asked = [asked] if isinstance(asked, str | os.PathLike) else asked or []
        self._files = self._discovery.explicit(asked, by_variable=by_variable) if asked else []

    def load(self) -> LoadedLayers:
        """Read every source, in the order that the names of one need the content of another."""
        project = Project() if self._is_explicit else self._discovery.search()
        files = self._base_layers(project)
        base_dir = project.root or self._discovery.start
        dotenv_path = os.path.join(base_dir, ".env") if base_dir else ".env"  # noqa: PTH118 - text, as in `discovery`
        dotenv_name = self._discovery.shown(dotenv_path)
        environment, dotenv = self._choose_environment(files, dotenv_path, dotenv_name)
        variables = self._variables(dotenv)
        unread = self._why_unread(environment)
        files += self._overlay_layers(project, environment, unread)
        for layer in files:
            resolve_roots(layer, variables, self._findings, elsewhere=self._request.elsewhere)
        arguments = self._arguments(files)
        root = project.root or (Path(self._files[0]).parent if self._files else None)
        deployment = Deployment(self._reader, root, dotenv_name, elsewhere=self._request.elsewhere)
        layers, secrets = deployment.layers([*files, arguments], self._process, dotenv.ours if dotenv else ())
        self._statuses += secrets
        self._note(dotenv_name, "not read" if unread else "absent" if dotenv is None else "found", unread)
        self._note("environment", "found" if self._process else "absent")
        self._note(arguments.name, "found" if arguments.root or arguments.flat or arguments.profiles else "absent")
        statuses = [replace(status, name=redact_text(status.name)) for status in self._statuses]
        statuses += unused_variables(self._environ, dotenv.places if dotenv else {}, files)
        layers = [*self._defaults(), *files, *layers, arguments]
        return LoadedLayers(
            layers, statuses, environment, self._discovery.start, root, variables, self._request.elsewhere
        )

    def _note(self, name: str, state: Literal["found", "absent", "not read"], reason: str = "") -> None:
        self._statuses.append(LayerStatus(name, state, reason))

    def _base_layers(self, project: Project) -> list[Layer]:
        paths = self._files or ([project.base] if project.base else [])
        if not paths:
            self._note("myfy.toml", "absent")
        layers = [self._file_layer(path, rank) for rank, path in enumerate(paths, start=1)]
        for layer in layers[1:]:
            refuse_environment(layer, layers[0].name, self._findings)
        return layers

    def _file_layer(self, path: str, rank: int) -> Layer:
        name = self._discovery.shown(path)
        self._note(name, "found")
        return read_file_layer(path, name, rank, self._key_spec, self._findings)

    def _why_unread(self, environment: EnvironmentName) -> str:
        """Why the files that belong to one machine, `config/local.*` and `.env`, are not read; empty where they are."""
        if self._is_explicit:
            return _EXPLICIT
        if environment.is_test:
            return _IN_TEST
        return _OF_ONE_MACHINE if self._request.elsewhere else ""

    def _overlay_layers(self, project: Project, environment: EnvironmentName, unread: str) -> list[Layer]:
        layers = []
        for rank, overlay in ((2, environment.name), (3, LOCAL)):
            paths = project.overlays.get(overlay, [])
            name = self._discovery.shown(paths[0]) if paths else f"config/{overlay}.toml"
            if unread and (overlay == LOCAL or self._is_explicit):
                self._note(name, "not read", unread)
            elif not paths:
                self._note(name, "absent")
            else:
                layers.append(self._file_layer(self._discovery.only_one(paths), rank))
        for layer in layers:
            base = self._discovery.shown(project.base) if project.base else "myfy.toml"
            refuse_environment(layer, base, self._findings)
        require_overlay(environment, project.overlays, self._findings)
        return layers

    def _choose_environment(
        self, files: list[Layer], path: str, name: str
    ) -> tuple[EnvironmentName, DotenvFile | None]:
        """The environment's name, and `.env` where it is read: each may have a say in the other."""
        argument = self._request.environment
        told = EnvironmentName(argument, ARGUMENT) if argument else said_by(self._process)
        if told is not None and (told.is_test or self._request.elsewhere):
            return usable(told, self._findings), None
        findings = Findings()
        dotenv = None if self._is_explicit else read_dotenv(path, name, findings)
        chosen = told or self._said_in_dotenv(dotenv) or self._said_in_base(files, dotenv, Findings())
        if chosen is not None and chosen.is_test:
            # .env is not read in `test`, so it may not help to say that this is `test`.
            dotenv, findings = None, Findings()
            chosen = self._said_in_base(files, None, findings)
        self._findings.add(*findings.problems)
        return usable(chosen or UNSAID, self._findings), dotenv

    def _variables(self, dotenv: DotenvFile | None) -> Mapping[str, str]:
        """What references are looked up in. The process's own are not copied: each copy decodes every one."""
        return self._environ if dotenv is None else {**dotenv.values, **self._environ}

    def _said_in_dotenv(self, dotenv: DotenvFile | None) -> EnvironmentName | None:
        name = said_by(dotenv.ours) if dotenv else None
        if name is None or not name.is_test:
            return name
        message = "'test' cannot be chosen here: .env is not read in environment test"
        fix = "delete this line, and set MYFY_DATA_ENVIRONMENT=test in the process"
        self._findings.problem(name.origin, KEY, message, fix=fix)
        return UNSAID

    def _said_in_base(
        self, files: list[Layer], dotenv: DotenvFile | None, findings: Findings
    ) -> EnvironmentName | None:
        name = root_text(files[0], "environment", self._variables(dotenv), findings) if files else None
        return EnvironmentName(name.strip(), files[0].origin(KEY)) if name else None

    def _arguments(self, files: list[Layer]) -> Layer:
        said = self._request.overrides or self._request.sets
        declared = {fold_name(name): name for file in files for name in file.profiles} if said else {}
        layer = ArgumentReader(self._reader, declared).layer(self._request.overrides or {}, self._request.sets)
        if said:
            check_names(layer, self._key_spec, self._findings)
            resolve_roots(layer, {}, self._findings)
        if self._request.environment:
            layer.root["environment"] = self._request.environment
        return layer

    def _defaults(self) -> list[Layer]:
        """What a program says below all others, in the form of arguments."""
        if not self._request.defaults:
            return []
        layer = ArgumentReader(self._reader, {}).layer(self._request.defaults, ())
        layer.name, layer.rank, layer.locate = "override", 0, at_override
        return [layer]
