"""A group of commands that answers a misspelt one with the near one."""

from __future__ import annotations

import click

from myfy_data.suggestions import listed, nearest


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
            hint = f"Did you mean {near!r}?" if near else f"There are: {listed(commands)}."
            raise click.UsageError(f"No such command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)
