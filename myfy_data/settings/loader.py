"""Loading: layers in, frozen settings out, every problem told at once (contract C3, C4)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from myfy_data.errors import Problem, config_error
from myfy_data.layers.layer import DEPLOYMENT_RANK, Findings, Layer, LayerStatus, Tree
from myfy_data.layers.loader import LayerLoader, LoadedLayers, LoadRequest
from myfy_data.origins import DEFAULT, KeyPath, Origin, format_key
from myfy_data.profiles.default import FALLBACK, ProfileNames
from myfy_data.profiles.extends import ancestors
from myfy_data.profiles.inheritance import Inheritance
from myfy_data.profiles.merge import LayerMerger
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.key_spec import KEY_SPEC
from myfy_data.settings.normalize import Normalizer
from myfy_data.settings.origin_lookup import OriginLookup
from myfy_data.settings.provenance import Provenance
from myfy_data.settings.root_merge import platform_layer, read_root_tables
from myfy_data.settings.validation.profile import ProfileChecker, check_said
from myfy_data.settings.validation.pydantic_errors import as_fixed, translate
from myfy_data.settings.validation.version_tables import check_version_tables

DEFAULT_URL = "sqlite+aiosqlite:///./myfy.db"
"""What the default profile is when no profile is declared at all (seed S2)."""

_PLACE = re.compile(r"(.+):(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Everything that a load found out.

    Attributes:
        settings: the settings; None when there are problems.
        problems: what stops the load, in the order of the layers.
        warnings: what a person should look at.
        layers: every layer, low to high.
        environment: the environment's name.
        profiles: the names of the declared profiles, templates left out.
    """

    settings: DataSettings | None = field(repr=False)
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    layers: tuple[LayerStatus, ...]
    environment: str
    profiles: tuple[str, ...]


def load_settings(
    start: str | os.PathLike[str] | None = None,
    *,
    files: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] | None = None,
    environment: str | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> DataSettings:
    """Load all layers into validated, frozen settings (contract C3, C4).

    Args:
        start: where the search for `myfy.*` begins; the working directory when None.
        files: exactly these files, in this order; they replace discovery, overlays and `.env`.
        environment: the environment's name; wins over every other source.
        environ: variables in place of `os.environ`.
        overrides: typed values above all layers, nested or with dotted keys.

    Raises:
        ConfigError: the configuration cannot be used; holds every problem of every layer.
        UnknownProfileError: the only problems are names of profiles that no layer declares.
        InvalidDatabaseURLError: the only problems are database URLs.
    """
    request = LoadRequest(start, files, environment, environ, overrides)
    # Tracebacks with locals must not find the caller's secrets in this frame.
    del environ, overrides
    return load_request(request)


def load_request(request: LoadRequest) -> DataSettings:
    """As `load_settings`.

    Raises:
        ConfigError: the configuration cannot be used; holds every problem of every layer.
    """
    report = inspect_settings(request)
    if report.settings is None:
        raise config_error(report.problems) from None
    return report.settings


def inspect_settings(request: LoadRequest, *, files: bool = False) -> LoadReport:
    """Load all layers and report, without raising, what was found.

    Args:
        request: what the caller asked for.
        files: judge what a load leaves to the engines, too: what databases and drivers refuse, and the files of
            passwords and certificates, which may be on another machine.
    """
    findings = Findings()
    loaded = LayerLoader(request, KEY_SPEC, findings).load()
    load = _Load(loaded, findings, files=files)
    settings = load.run()
    found, warnings, is_full = findings.problems, findings.warnings, findings.is_full
    problems = in_layer_order(found, loaded.layers)
    if is_full:
        problems += (Problem("", "", "there may be more; these come first", (), "mend these, then load again"),)
    return LoadReport(
        settings=None if problems else settings,
        problems=problems,
        warnings=in_layer_order(warnings, loaded.layers),
        layers=tuple(loaded.statuses),
        environment=loaded.environment.name,
        profiles=load.profiles,
    )


def in_layer_order(problems: Sequence[Problem], layers: Sequence[Layer]) -> tuple[Problem, ...]:
    """Problems as a person works through them: by layer, then by line."""
    if not problems:
        return ()
    ranks = {layer.name: rank for rank, layer in enumerate(layers)}

    def key(problem: Problem) -> tuple[int, int, int]:
        if place := _PLACE.fullmatch(problem.place):
            return ranks.get(place[1], len(ranks)), int(place[2]), int(place[3])
        word, _, _ = problem.place.partition(" ")
        source = {"env": "environment", "secret": "secrets_dir"}.get(word, problem.place)
        return ranks.get(source, len(ranks)), 0, 0

    return tuple(sorted(problems, key=key))


class _Load:
    """The way from gathered layers to settings; one use each."""

    def __init__(self, loaded: LoadedLayers, findings: Findings, *, files: bool) -> None:
        self._loaded = loaded
        self._findings = findings
        self._layers = loaded.layers
        self._names = ProfileNames(self._layers, findings)
        self._unconfigured: Problem | None = None
        self._files = files
        self._kept: set[KeyPath] | None = set() if loaded.elsewhere else None

    @property
    def profiles(self) -> tuple[str, ...]:
        """The names of the declared profiles, templates left out."""
        return tuple(self._names.concrete)

    def run(self) -> DataSettings | None:
        """The settings; None when they cannot be made."""
        if not self._loaded.is_complete:
            return None  # whatever else were told now may only follow from the file that could not be read
        default = self._settle_names()
        self._layers[:0] = platform_layer(self._loaded.variables, self._findings)
        check_said(self._layers, self._findings)
        origins = OriginLookup(self._layers, self._names.names)
        checker = ProfileChecker(origins.blame, self._findings)
        loaded = self._loaded
        normalizer = Normalizer(loaded.variables, loaded.file_base, origins.blame, self._findings, self._kept)
        tables = {"default": default, "profiles": self._tables(normalizer, checker)}
        settings = self._validate({**read_root_tables(self._layers, normalizer), **tables}, checker, origins)
        if settings is None:
            return None
        self._check(settings, checker)
        if len(settings.profiles) > 1:
            root = self._loaded.file_base or Path()
            check_version_tables(settings.profiles, root, origins.blame, self._findings)
        settings._provenance = self._provenance(origins)  # noqa: SLF001 - the loader is what fills it
        return settings

    def _provenance(self, origins: OriginLookup) -> Provenance:
        return Provenance(
            origins,
            self._names.abstract,
            self._loaded.root,
            tuple(self._loaded.statuses),
            in_layer_order(self._findings.warnings, self._layers),
            self._unconfigured,
            frozenset(self._kept or ()),
        )

    def _check(self, settings: DataSettings, checker: ProfileChecker) -> None:
        """Apply the rules beyond the types to every profile."""
        incomplete = {path[1] for path in self._kept or ()}
        for name, profile in settings.profiles.items():
            if name in incomplete:
                continue  # a rule may be kept or broken by what is not here
            checker.check_profile(name, profile, settings.environment.lower())
            if self._files:
                from myfy_data.settings.credential_files import check_files  # noqa: PLC0415 - a load has no use for ssl

                checker.check_engine(name, profile)
                check_files(name, profile, checker.blame, checker.findings)

    def _check_beside(self, error: ValidationError, values: Tree, checker: ProfileChecker) -> None:
        """Tell what is wrong beside values of the wrong type: the rules, on what their fixes would leave."""
        concrete = {name: table for name, table in values["profiles"].items() if name in self._names.concrete}
        try:
            settings = DataSettings.from_merge(as_fixed(error, {**values, "profiles": concrete}))
        except ValidationError:
            return
        beside = Findings()
        self._check(settings, replace(checker, findings=beside))
        told = {problem.key for problem in self._findings.problems}
        self._findings.add(*(problem for problem in beside.problems if problem.key not in told))

    def _settle_names(self) -> str | None:
        names = self._names
        names.refuse_collisions()
        default = names.choose_default()
        if default == FALLBACK and self._needs_default_url():
            # Lowest of all layers, so that any flat key refines it and any URL replaces it.
            self._layers.insert(0, Layer("default", 0, _at_default, profiles={FALLBACK: {"database_url": DEFAULT_URL}}))
            names.names = [FALLBACK]
            self._unconfigured = self._miss_configuration()
        names.hand_over_flat_keys(default)
        return default

    def _miss_configuration(self) -> Problem | None:
        """Tell that nothing at all was found: a wrong working directory looks the same (contract C14.5)."""
        says_url = any(
            "database_url" in {**layer.flat, **layer.profiles.get(FALLBACK, {})} for layer in self._layers[1:]
        )
        if says_url or any(0 < layer.rank < DEPLOYMENT_RANK for layer in self._layers[1:]) or self._findings.problems:
            return None  # or a problem says why
        where = f"{self._loaded.start or 'a directory that is gone'} or above it"
        message = (
            f"no configuration was found: no myfy.toml in {where}, and no MYFY_DATA_DATABASE_URL; ./myfy.db is used"
        )
        missing = Problem("", "", message, fix="cd to the project; a new one begins with: myfy-data config init")
        self._findings.warning("", (), missing.message, fix=missing.fix)
        return missing

    def _needs_default_url(self) -> bool:
        """Whether nothing declares a profile: variables and arguments may still tune the one called `default`."""
        tables = [table for layer in self._layers for table in (layer.flat, layer.profiles.get(FALLBACK, {}))]
        by_files = any(layer.profiles for layer in self._layers if layer.rank < DEPLOYMENT_RANK)
        return not by_files and {*self._names.names} <= {FALLBACK} and not any("driver" in table for table in tables)

    def _tables(self, normalizer: Normalizer, checker: ProfileChecker) -> Tree:
        inheritance = Inheritance(LayerMerger(self._layers, KEY_SPEC, self._findings), self._names.names)
        # A template may mention what only its heirs know, and it is told there.
        quiet = replace(normalizer, findings=Findings()) if self._names.abstract else normalizer
        tables = {}
        for name in self._names.names:
            is_abstract = name in self._names.abstract
            merged = inheritance.resolve(name)
            table = (quiet if is_abstract else normalizer).normalize(name, merged)
            if checker.check_address(name, table):
                tables[name] = table
            elif is_abstract:
                tables[name] = {key: value for key, value in table.items() if key not in ("database_url", "driver")}
            elif not merged.keys() & {"database_url", "driver"} and not self._has_problem(name):
                checker.miss_address(name)
        return tables

    def _has_problem(self, name: str) -> bool:
        """Whether a problem of the profile or of an ancestor may be why it has no address."""
        if name in self._names.colliding:
            return True  # under its right name it may well have one
        family = tuple(format_key(("profiles", member, "")) for member in ancestors(name, self._layers))
        return any(problem.key.startswith(family) for problem in self._findings.problems)

    def _validate(self, tables: Tree, checker: ProfileChecker, origins: OriginLookup) -> DataSettings | None:
        """Validate through the one `BaseSettings` root; templates are validated for their findings only."""
        directories = [layer.root["secrets_dir"] for layer in self._layers if "secrets_dir" in layer.root]
        values = {
            **tables,
            "environment": self._loaded.environment.name,
            "secrets_dir": directories[-1] if directories else None,
        }
        try:
            settings = DataSettings.from_merge(values)
        except ValidationError as error:
            translate(error, values, origins, self._findings)
            self._check_beside(error, values, checker)
            return None
        if self._names.abstract:
            concrete = {name: settings.profiles[name] for name in self._names.concrete if name in settings.profiles}
            settings = settings.model_copy(update={"profiles": concrete})
        return settings


def _at_default(path: KeyPath) -> Origin:  # noqa: ARG001 - as every layer's `locate`
    return DEFAULT
