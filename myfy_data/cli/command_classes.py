"""Commands and their groups: a misspelt one is answered with the near one, and no option is lost (contract C14.5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import ItemsView, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from myfy_data.suggestions import nearest

if TYPE_CHECKING:
    from myfy_data.settings.loader import LoadReport


class LazyCommands(dict[str, click.Command]):
    """The commands of a group, each imported when it is asked for: importing is what a short command costs.

    Args:
        places: where each is, as `package.module:name`.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__(dict.fromkeys(places, click.Command(None)))
        self._places = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        place = self._places.pop(name, None)
        if place is not None:
            module, _, attribute = place.partition(":")
            self[name] = getattr(import_module(module), attribute)
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> Any:
        """As a dictionary's."""
        try:
            return self[name]
        except KeyError:
            return default

    def items(self) -> ItemsView[str, click.Command]:  # type: ignore[override]  # a view that can be reversed, there
        """As a dictionary's; imports every command."""
        return {name: self[name] for name in self}.items()


class SuggestingGroup(click.Group):
    """A click group whose "no such command" names the near one, in every version of click."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names.

        Raises:
            click.UsageError: there is none.
        """
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            commands = self.list_commands(ctx)
            near = nearest(name, commands)
            hint = f"Did you mean {near!r}?" if near else f"There are: {', '.join(commands)}."
            raise click.UsageError(f"No such command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


class StrictCommand(click.Command):
    """A command that refuses an option given more often than it can be heard; click would keep the last one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words behind the command.

        Raises:
            click.UsageError: an option that counts once is given twice, a flag as well; or a word is left over.
        """
        if ctx.resilient_parsing:  # completion: what is typed so far is refused by nothing
            return super().parse_args(ctx, args)
        # Parsed twice, since click keeps to itself what it saw; the second time as it always does.
        given, left, seen = self.make_parser(ctx).parse_args(list(args))
        if (
            len(left) == 1
            and any("--profile" in each.opts for each in self.params)
            and left[0] in load_typed(given).profiles
        ):
            raise click.UsageError(f"Got unexpected extra argument ({left[0]}). Did you mean --profile {left[0]}?", ctx)
        for parameter, times in Counter(seen).items():
            _refuse_lost(parameter, times)
        return super().parse_args(ctx, args)


def load_typed(given: Mapping[str, Any]) -> LoadReport:
    """The load that a command line asks for which is not complete, or not right; it reports problems, and raises none.

    Args:
        given: click's values of its options.
    """
    from myfy_data.layers.loader import LoadRequest
    from myfy_data.settings.loader import inspect_settings

    files = tuple(given.get("config") or ()) or None
    return inspect_settings(LoadRequest(files=files, environment=given.get("environment")))


def _refuse_lost(parameter: click.Parameter, times: int) -> None:
    if times == 1 or not isinstance(parameter, click.Option) or parameter.multiple or parameter.is_eager:
        return
    name = "/".join(names[-1] for names in (parameter.opts, parameter.secondary_opts) if names)
    raise click.UsageError(f"{name} may be given once, and is given {times} times")
