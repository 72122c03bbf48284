"""The options that every command takes, after the subcommand (contract C7)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from myfy_data.cli import output

if TYPE_CHECKING:
    from myfy_data.layers.gather import Request
    from myfy_data.settings.loader import LoadReport
    from myfy_data.settings.root import DataSettings


Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says about loading.

    Attributes:
        config: the files of `--config`; discovery takes place when there are none.
        environment: the name of `--environment`.
        sets: the texts of `--set`, which may hold secrets.
    """

    config: tuple[str, ...] = ()
    environment: str | None = None
    sets: tuple[str, ...] = field(default=(), repr=False)

    def request(self) -> Request:
        """The same as the loader takes it."""
        from myfy_data.layers.gather import Request

        return Request(files=self.config or None, environment=self.environment, sets=self.sets)

    def inspect(self) -> LoadReport:
        """Load, and report what was found without raising."""
        from myfy_data.settings.loader import inspect_settings

        return inspect_settings(self.request())

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


def single_option(*names: str, default: Any = None, **attributes: Any) -> Callable[[Command], Command]:
    """As `click.option`, for one value: given twice, it is refused, because only one of them could count (C14.5)."""

    def only(_context: click.Context, option: click.Parameter, given: tuple[Any, ...]) -> Any:
        if len(given) > 1:
            raise click.UsageError(f"{option.opts[-1]} may be given once, and is given {len(given)} times")
        return given[0] if given else default

    return click.option(*names, multiple=True, callback=only, **attributes)


def load_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--config`, `--environment` and `--set`, as its first argument `asked`."""

    @click.option(
        "--config", metavar="PATH", multiple=True, help="Read exactly this file; may be repeated, later wins."
    )
    @single_option("--environment", metavar="NAME", help="Load as this environment does.")
    @click.option(
        "--set", "sets", metavar="KEY=VALUE", multiple=True, help="Set one key above all layers; may be repeated."
    )
    @functools.wraps(command)
    def with_options(*, config: tuple[str, ...], environment: str | None, sets: tuple[str, ...], **others: Any) -> int:
        with output.only_answers():
            return command(Asked(config, environment, sets), **others)

    return with_options
