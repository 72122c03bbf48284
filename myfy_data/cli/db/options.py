"""What the `db` commands share: which profiles, how to wait, and a negative revision as an argument."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.migrations.target import PassedOver, Target
    from myfy_data.settings.data_settings import DataSettings

_BACKWARD = re.compile(r"-\d+")


@dataclass(frozen=True, slots=True)
class SelectedProfiles:
    """The profiles that a command is about.

    Attributes:
        targets: the profiles to work on, in the order of the files.
        passed: those that `--all` passes over.
        every: whether `--all` was given.
        settings: where they are declared.
    """

    targets: list[Target]
    passed: list[PassedOver]
    every: bool
    settings: DataSettings = field(repr=False)


def choose(options: LoadOptions, profiles: Sequence[str], *, every: bool) -> SelectedProfiles:
    """Load the settings, and find the profiles: those named, each once; else every one, or the default profile.

    Raises:
        click.UsageError: both `--profile` and `--all` were given.
        ConfigError: the configuration cannot be used, or a profile is not ours to migrate.
    """
    if profiles and every:
        raise click.UsageError("--profile and --all exclude each other")
    settings = options.load_to_connect()
    from myfy_data.migrations.target import resolve_all, resolve_target

    if every:
        targets, passed = resolve_all(settings)
        return SelectedProfiles(targets, passed, every=True, settings=settings)
    names = dict.fromkeys(settings.resolve_name(name) for name in profiles or (None,))
    settings.require_engines(names)
    return SelectedProfiles([resolve_target(settings, name) for name in names], [], every=False, settings=settings)


def profile_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--profile`, `--all` and those of every command; its first argument is what was selected."""

    @click.option(
        "--profile",
        "profiles",
        metavar="NAME",
        multiple=True,
        help="Work on this profile; may be repeated. On the default profile without it.",
        shell_complete=complete_profiles,
    )
    @click.option("--all", "every", is_flag=True, help="Work on every profile that is ours to migrate.")
    @load_options
    @functools.wraps(command)
    def with_options(options: LoadOptions, *, profiles: tuple[str, ...], every: bool, **others: object) -> int:
        return command(choose(options, profiles, every=every), **others)

    return with_options


def lock_option(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command `--lock-timeout`."""
    text = "Wait so long for another process that migrates; lock_timeout of the profile without it."
    return click.option("--lock-timeout", type=click.FloatRange(min=0), metavar="SECONDS", help=text)(command)


def with_lock_timeout(target: Target, seconds: float | None) -> Target:
    """The same profile with another bound for the wait."""
    if seconds is None:
        return target
    from dataclasses import replace

    settings = target.settings
    migrations = settings.migrations.model_copy(update={"lock_timeout": seconds})
    return replace(target, settings=settings.model_copy(update={"migrations": migrations}))


def with_dropping(selected: SelectedProfiles, databases: Sequence[str]) -> SelectedProfiles:
    """The same profiles, allowed to drop everything in the databases that are named."""
    from dataclasses import replace

    from myfy_data.settings.servers import needs_server

    def named(target: Target) -> str | None:
        if target.database in databases:
            return target.database
        # Without an address it is refused, with the same command for where it has one: that keeps the name.
        return databases[0] if len(databases) == 1 and needs_server(target.settings) else None

    return replace(selected, targets=[replace(target, may_drop=named(target)) for target in selected.targets])


class BackwardCommand(StrictCommand):
    """A command whose argument may be `-1`, wherever it stands; click would take it for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such arguments behind `--`."""
        backward = [argument for argument in args if _BACKWARD.fullmatch(argument)]
        if backward and "--" not in args:
            args = [argument for argument in args if argument not in backward] + ["--", *backward]
        return super().parse_args(ctx, args)
