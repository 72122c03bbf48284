"""`DataSettings`: every profile, validated and frozen, and the answers about where each value came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, PrivateAttr, TypeAdapter
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from myfy_data.errors import ConfigError, Problem, UnknownProfileError, config_error
from myfy_data.layers.key_spec import PROFILE_NAME, fold_name
from myfy_data.layers.layer import Findings, LayerStatus
from myfy_data.origins import KeyPath, Origin
from myfy_data.redaction import redact_value
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.explain import Explanation, explain, full_path, origin
from myfy_data.settings.provenance import Provenance
from myfy_data.settings.root_tables import CapacitySettings, ReloadSettings
from myfy_data.settings.table import Table
from myfy_data.settings.validation.profile import PRODUCTION, ProfileChecker
from myfy_data.suggestions import listed, nearest

_PROFILES = TypeAdapter(dict[str, DatabaseSettings])


def _validate_strictly(value: object) -> object:
    """Validate what files said without any leniency; instances that a caller made pass as they are."""
    if isinstance(value, Mapping) and any(isinstance(profile, dict) for profile in value.values()):
        return _PROFILES.validate_python(value, strict=True)
    return value


def _strictly(model: type[Table]) -> Callable[[object], object]:
    """The same for a table beside the profiles."""
    return lambda value: model.model_validate(value, strict=True) if isinstance(value, dict) else value


def _nowhere(path: KeyPath) -> tuple[Origin, KeyPath]:
    """The place of what code said, and no layer."""
    return Origin("argument"), path


class _Merge(dict[str, Any]):
    """The finished merge; pydantic-settings logs what sources give it when PYDANTIC_SETTINGS_DEBUG is set."""

    def __repr__(self) -> str:
        return repr(redact_value("", dict(self)))


class MergedSource(PydanticBaseSettingsSource):
    """The one source of `DataSettings`: the finished merge of all layers.

    pydantic-settings' own sources cannot fit names to declared profiles, and they ignore what they do not know.
    """

    def __init__(self, settings_cls: type[BaseSettings], values: Mapping[str, object]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: object, field_name: str) -> tuple[object, str, bool]:  # noqa: ARG002 - their signature
        """The value of one field, as pydantic-settings asks for it."""
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, object]:
        """Everything at once; the merge is finished, so no field is asked for by itself."""
        return _Merge((key, value) for key, value in self._values.items() if value is not None)


_TAKES_SOURCES = "_build_sources" in BaseSettings.__init__.__annotations__
"""Whether pydantic-settings takes finished sources, and so need not make those of its own (2.13 and later)."""


class DataSettings(BaseSettings):
    """All settings of one load: the environment, and every profile by name.

    `load_settings()` makes it from files and variables. The constructor itself reads nothing:
    `DataSettings(profiles={"default": DatabaseSettings(database_url="sqlite://")})` is complete.
    """

    # protected_namespaces: BaseSettings reserves `settings_` names, and we have none to lose.
    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True
    )

    environment: str = Field(default="development", description="Environment; `production` blocks auto-create.")
    default: str | None = Field(default=None, description="Name of the default profile.")
    secrets_dir: str | None = Field(default=None, description="Directory whose file names are variable names.")
    profiles: Annotated[dict[str, DatabaseSettings], BeforeValidator(_validate_strictly)] = Field(
        default_factory=dict, description="The named databases."
    )

    capacity: Annotated[CapacitySettings, BeforeValidator(_strictly(CapacitySettings))] = Field(
        default=CapacitySettings(), description="How often the application runs, for `myfy-data capacity`."
    )

    reload: Annotated[ReloadSettings, BeforeValidator(_strictly(ReloadSettings))] = Field(
        default=ReloadSettings(), description="What makes a running module read its configuration again."
    )

    _provenance: Provenance | None = PrivateAttr(default=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the finished merge: no other source may read anything."""
        return (MergedSource(settings_cls, init_settings()),)

    @classmethod
    def from_merge(cls, values: Mapping[str, Any]) -> DataSettings:
        """The settings that a finished merge makes.

        Raises:
            pydantic.ValidationError: a value is not what its key takes.
        """
        if _TAKES_SOURCES:
            # The argument is pydantic-settings' own; type checkers see the fields' constructor instead of it.
            return cls(_build_sources=((MergedSource(cls, values),), {}))  # pyright: ignore[reportCallIssue]
        return cls(**values)

    def profile(self, name: str | None = None) -> DatabaseSettings:
        """The settings of a profile; of the default profile when no name is given.

        Raises:
            UnknownProfileError: no profile of this name can be used.
            ConfigError: no name was given and there is no default profile.
        """
        return self.profiles[self.resolve_name(name)]

    def resolve_name(self, name: str | None = None) -> str:
        """The declared spelling of a profile's name; the default profile's when none is given.

        Raises:
            UnknownProfileError: no profile of this name can be used.
            ConfigError: no name was given and there is no default profile.
        """
        if name is None:
            return self._default_name()
        if name in self.profiles:
            return name
        raise UnknownProfileError([self._unknown(name)]) from None

    def _default_name(self) -> str:
        if self.default is not None and self.default in self.profiles:
            return self.default
        if self.default is None and len(self.profiles) == 1:
            return next(iter(self.profiles))
        if self.default is None and "default" in self.profiles:
            return "default"
        names = listed(self.profiles)
        first = next(iter(self.profiles), "main")
        raise ConfigError(
            [
                Problem(
                    "",
                    "default",
                    f"no profile was named and none is the default; profiles: {names}",
                    (),
                    f'default = "{first}"',
                )
            ]
        )

    def _unknown(self, name: str) -> Problem:
        if self._provenance is not None and name in self._provenance.abstract:
            place = str(self._provenance.origins.origin(("profiles", name, "abstract")))
            return Problem(
                place,
                f"profiles.{name}",
                "is abstract: a template that is never opened",
                (),
                "extend it",
                "unknown_profile",
            )
        near = nearest(name, self.profiles) or next((p for p in self.profiles if fold_name(p) == fold_name(name)), None)
        hint = f". Did you mean {near!r}?" if near else ""
        fix = f"use {near!r}" if near else f"declare it: [data.profiles.{name}]"
        if not near and not PROFILE_NAME.fullmatch(name):
            fix = f"name one of {listed(self.profiles)}"
        message = f"profile {name!r} is not declared; declared: {listed(self.profiles)}{hint}"
        return Problem("", "", message, (), fix, "unknown_profile")

    @property
    def blocks_auto_create(self) -> bool:
        """Whether this environment refuses `auto_create_tables` (contract C3.3)."""
        return self.environment.lower() in PRODUCTION

    def require_configuration(self) -> None:
        """Refuse to connect in production by defaults alone (contract C14.5).

        Raises:
            ConfigError: no configuration was found at all.
        """
        if self.unconfigured is not None and self.lacks_configuration:
            raise ConfigError([self.unconfigured])

    def require_engines(self, profiles: Iterable[str]) -> None:
        """Refuse what no engine could be made from, each at its place (contract C16.3).

        Args:
            profiles: names of declared profiles.

        Raises:
            ConfigError: a database or a driver cannot do what a profile asks for.
        """
        findings = Findings()
        blame = self._provenance.origins.blame if self._provenance else _nowhere
        checker = ProfileChecker(blame, findings)
        for name in profiles:
            checker.check_engine(name, self.profiles[name])
        if findings.problems:
            raise config_error(findings.problems) from None

    @property
    def lacks_configuration(self) -> bool:
        """Whether this is production, and defaults alone hold."""
        return self.unconfigured is not None and self.blocks_auto_create

    @property
    def unconfigured(self) -> Problem | None:
        """What to tell when no configuration was found at all, so that defaults alone hold; else None."""
        return self._provenance.unconfigured if self._provenance else None

    @property
    def project_root(self) -> Path | None:
        """The directory that holds `myfy.*`; None when there is no file."""
        return self._provenance.root if self._provenance else None

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What a person should look at, though the settings can be used."""
        return self._provenance.warnings if self._provenance else ()

    @property
    def layers(self) -> tuple[LayerStatus, ...]:
        """Every layer, low to high: found, absent, or not read and why."""
        return self._provenance.statuses if self._provenance else ()

    def path_of(self, key: str) -> KeyPath:
        """The full path of a key as people write it; flat keys mean the default profile.

        Raises:
            ConfigError: there is no such key.
        """
        return full_path(self, self._provenance, key)

    @property
    def kept(self) -> Mapping[KeyPath, object]:
        """Values with references to variables of another machine, as they are written (contract C14.4)."""
        if self._provenance is None:
            return {}
        winners = {path: self._provenance.origins.winner(path) for path in self._provenance.kept}
        return {path: said.value for path, said in winners.items() if said is not None}

    def origin(self, key: str) -> Origin:
        """Where the value of a key came from.

        Args:
            key: `profiles.analytics.pool_size`, or a flat key, which means the default profile.

        Raises:
            ConfigError: there is no such key.
        """
        return origin(self, self._provenance, self.path_of(key))

    def origin_at(self, path: KeyPath) -> Origin:
        """As `origin`, for a full path; its parts may hold dots, as keys of free tables do."""
        return origin(self, self._provenance, path)

    def explain(self, key: str) -> list[Explanation]:
        """Everything that was said about a key, the winner first, the default last.

        Raises:
            ConfigError: there is no such key.
        """
        return explain(self._provenance, self.path_of(key))
