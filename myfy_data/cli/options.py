"""The options that every command takes, after the subcommand (contract C7)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.completion import complete_assignments, complete_environments

if TYPE_CHECKING:
    from myfy_data.layers.loader import LoadRequest
    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.settings.loader import LoadReport


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What the command line says about loading.

    Attributes:
        config: the files of `--config`; discovery takes place when there are none.
        environment: the name of `--environment`.
        sets: the texts of `--set`, which may hold secrets.
    """

    config: tuple[str, ...] = ()
    environment: str | None = None
    sets: tuple[str, ...] = field(default=(), repr=False)

    def request(self) -> LoadRequest:
        """The same as the loader takes it."""
        from myfy_data.layers.loader import LoadRequest

        return LoadRequest(files=self.config or None, environment=self.environment, sets=self.sets)

    def inspect(self, *, files: bool = False) -> LoadReport:
        """Load, and report what was found without raising.

        Args:
            files: look at the files of passwords and certificates too.
        """
        from myfy_data.settings.loader import inspect_settings

        return inspect_settings(self.request(), files=files)

    def load(self) -> DataSettings:
        """Load.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        return settings_of(self.inspect())

    def load_to_connect(self) -> DataSettings:
        """Load for a command that connects; that no configuration was found is told, and in production refused.

        Raises:
            ConfigError: the configuration cannot be used, or in production there is none.
        """
        settings = self.load()
        settings.require_configuration()
        if (missing := settings.unconfigured) is not None:
            output.write_error(f"warning: {missing}")
        return settings


def settings_of(report: LoadReport) -> DataSettings:
    """The settings of a report.

    Raises:
        ConfigError: there are problems, so there are no settings.
    """
    from myfy_data.errors import config_error

    if report.settings is None:
        raise config_error(report.problems)
    return report.settings


def load_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--config`, `--environment` and `--set`, as its first argument `options`."""

    @click.option(
        "--config", metavar="PATH", multiple=True, help="Read exactly this file; may be repeated, later wins."
    )
    @click.option(
        "--environment", metavar="NAME", help="Load as this environment does.", shell_complete=complete_environments
    )
    @click.option(
        "--set",
        "sets",
        metavar="KEY=VALUE",
        multiple=True,
        help="Set one key above all layers; may be repeated.",
        shell_complete=complete_assignments,
    )
    @functools.wraps(command)
    def with_options(
        *, config: tuple[str, ...], environment: str | None, sets: tuple[str, ...], **others: object
    ) -> int:
        with output.only_answers():
            return command(LoadOptions(config, environment, sets), **others)

    return with_options
