"""Completion of profiles, keys and environments in the user's shell, by click's own mechanism (contract C14.5)."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import get_completion_class

from myfy_data.cli.command_classes import StrictCommand, load_typed

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=StrictCommand)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the script that completes names in a shell.

    Commands, profiles, keys and environments.

    For bash: eval "$(myfy-data completion bash)" in ~/.bashrc; for zsh the same in ~/.zshrc; for fish:
    myfy-data completion fish > ~/.config/fish/completions/myfy-data.fish
    """
    from myfy_data.cli import output

    root = context.find_root()
    program = root.info_name or "myfy-data"
    maker = get_completion_class(shell)
    assert maker is not None  # noqa: S101 - click has all of `SHELLS`
    variable = f"_{program}_COMPLETE".replace("-", "_").upper()
    output.answers().write(maker(root.command, {}, program, variable).source() + "\n")
    return 0


def complete_profiles(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of declared profiles that begin so; none where the configuration cannot be read at all."""
    return _beginning(begun, load_typed(context.params).profiles)


def complete_keys(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Keys that begin so: flat ones, and those of each declared profile."""
    from myfy_data.settings.key_spec import KEY_SPEC

    inner = [*KEY_SPEC.profile, *(f"{table}.{key}" for table, keys in KEY_SPEC.tables.items() for key in keys)]
    roots = (f"{table}.{key}" for table, keys in KEY_SPEC.root_tables.items() for key in keys)
    keys = [*(key for key in KEY_SPEC.root if key not in KEY_SPEC.root_tables), *roots, *inner]
    for name in load_typed(context.params).profiles:
        keys += [f"profiles.{name}.{key}" for key in inner]
    return _beginning(begun, keys)


def complete_assignments(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """As `complete_keys`, with the sign that the value comes behind."""
    return [f"{key}=" for key in complete_keys(context, parameter, begun)]


def complete_environments(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Environments that have a file in `config/`, and those that need none."""
    from myfy_data.layers.files.discovery import LOCAL, Discovery
    from myfy_data.layers.layer import Findings

    overlays = Discovery(None, Findings()).search().overlays
    return _beginning(begun, {*overlays, "development", "test", "production"} - {LOCAL})


def _beginning(begun: str, words: Iterable[str]) -> list[str]:
    return sorted(word for word in words if word.startswith(begun))
