"""`db create`, `db mark`, `db drop`: databases themselves, guarded by their own marker (contract C14.1)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.db.options import SelectedProfiles, profile_options, with_dropping

if TYPE_CHECKING:
    from myfy_data.migrations.target import Target

T = TypeVar("T")

YES_DROP = "Drop this database without asking, by the server's name of it or SQLite's file name; may be repeated."


@click.command(cls=StrictCommand)
@profile_options
def create(selected: SelectedProfiles) -> int:
    """Make the database, and mark it with the environment.

    The marker is a table `myfy_data_marker`, by which `db drop` knows that the database is this environment's.
    """
    from myfy_data.migrations import databases

    def told(target: Target, *, made: bool) -> str:
        word = "created" if made else "is there already:"
        return f"{word} {target.database}, which belongs to {target.environment}"

    return _work(selected, databases.create, lambda target, made: told(target, made=bool(made)))


@click.command(cls=StrictCommand)
@click.option("--as", "owner", metavar="ENVIRONMENT", required=True, help="The environment that it belongs to.")
@profile_options
def mark(selected: SelectedProfiles, *, owner: str) -> int:
    """Say which environment the database belongs to."""
    from myfy_data.layers.environment_name import meant_by
    from myfy_data.migrations import databases

    near = meant_by(owner)
    if near is not None:
        output.write_note([f"{owner!r} is treated as neither production nor test. Did you mean {near!r}?"])
    return _work(
        selected,
        partial(databases.mark, environment=owner),
        lambda target, _: f"{target.database} belongs to {owner}",
    )


@click.command(cls=StrictCommand)
@click.option("--yes-drop", "may_drop", metavar="DATABASE", multiple=True, help=YES_DROP)
@profile_options
def drop(selected: SelectedProfiles, *, may_drop: tuple[str, ...]) -> int:
    """Drop the database with everything in it; never in production.

    Its marker must name this environment, and its name be typed, or given with --yes-drop.
    """
    from myfy_data.migrations import databases

    return _work(
        with_dropping(selected, may_drop),
        lambda target: databases.drop(target, partial(typed_name, target)),
        lambda target, there: f"dropped {target.database}" if there else f"there is no {target.database}",
    )


def typed_name(target: Target) -> str | None:
    """The database's name as the user types it; None without a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    typed: str = click.prompt(
        f"{target.profile}: everything in {target.database!r} will be gone; type its name to drop it",
        default="",
        show_default=False,
        err=True,
    )
    return typed


def _work(
    selected: SelectedProfiles,
    action: Callable[[Target], Coroutine[object, None, T]],
    told: Callable[[Target, T | None], str],
) -> int:
    from myfy_data.cli.db import each_profile

    targets = {target.profile: target for target in selected.targets}
    answers = each_profile.each_awaited(selected, action)
    done = [answer for answer in answers if answer.error is None]
    output.write([[f"{answer.profile}: {told(targets[answer.profile], answer.value)}"] for answer in done])
    return each_profile.finish(selected, answers)
