"""`db upgrade`, `db downgrade`, `db stamp`: what changes databases, profile by profile, and the report at the end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from myfy_data.cli import output
from myfy_data.cli.db.options import (
    BackwardCommand,
    SelectedProfiles,
    lock_option,
    profile_options,
    with_dropping,
    with_lock_timeout,
)

if TYPE_CHECKING:
    from myfy_data.migrations.report import MigrationReport, Tell
    from myfy_data.migrations.target import Target

_COLOURS = {"failed": "red", "passed over": "dim", "nothing to do": "dim"}
_YES_DROP = "In production: undo even the first revision of this database; may be repeated."
_AS_JSON = "Print a list of {profile, outcome, from, to, revisions, seconds, notes, error}."

Action = Callable[["Target", "Tell"], Coroutine[Any, Any, "MigrationReport"]]


@click.command(cls=BackwardCommand)
@click.argument("revision", default="head")
@click.option("--sql", is_flag=True, help="Print the SQL instead of running it; REVISION may be FROM:TO.")
@lock_option
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def upgrade(selected: SelectedProfiles, *, revision: str, sql: bool, lock_timeout: float | None, as_json: bool) -> int:
    """Run the revisions up to REVISION; up to head without it.

    Of several processes that start at once, one runs them; the others wait for its lock and find nothing to do. Exit
    code 1 when a profile failed; the others still had their turn.
    """
    from myfy_data.migrations import commands

    if sql:
        return _write_sql(selected, lambda target: commands.write_upgrade_sql(target, revision, output.answers()))
    return _run(
        selected, lambda target, tell: commands.upgrade(target, revision, tell=tell), lock_timeout, as_json=as_json
    )


@click.command(cls=BackwardCommand)
@click.argument("revision")
@click.option("--sql", is_flag=True, help="Print the SQL instead of running it; REVISION is FROM:TO.")
@click.option("--yes-drop", "may_drop", metavar="DATABASE", multiple=True, help=_YES_DROP)
@lock_option
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def downgrade(
    selected: SelectedProfiles,
    *,
    revision: str,
    sql: bool,
    may_drop: tuple[str, ...],
    lock_timeout: float | None,
    as_json: bool,
) -> int:
    """Undo the revisions down to REVISION, such as -1 or base."""
    from myfy_data.migrations import commands

    selected = with_dropping(selected, may_drop)

    if sql:
        return _write_sql(selected, lambda target: commands.write_downgrade_sql(target, revision, output.answers()))
    return _run(
        selected, lambda target, tell: commands.downgrade(target, revision, tell=tell), lock_timeout, as_json=as_json
    )


@click.command(cls=BackwardCommand)
@click.argument("revision")
@click.option("--purge", is_flag=True, help="Forget what the database says now, even a revision that nobody knows.")
@lock_option
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def stamp(selected: SelectedProfiles, *, revision: str, purge: bool, lock_timeout: float | None, as_json: bool) -> int:
    """Say that the database is at REVISION; run nothing."""
    from myfy_data.migrations import commands

    return _run(
        selected,
        lambda target, tell: commands.stamp(target, revision, purge=purge, tell=tell),
        lock_timeout,
        as_json=as_json,
    )


def render(reports: Sequence[MigrationReport]) -> Iterator[output.Line]:
    """One line for each profile, and below it its notes."""
    if not reports:
        yield ["no profile is ours to migrate"]
    lines = output.columns([_row(report) for report in reports])
    for report, line in zip(reports, lines, strict=True):
        yield line
        if report.outcome != "passed over":
            for note in report.notes:
                yield [(f"    {note}", "yellow")]


def _row(report: MigrationReport) -> list[output.Span]:
    outcome = (report.outcome, _COLOURS.get(report.outcome, "green"))
    if report.outcome == "passed over":
        return [report.profile, outcome, "", "; ".join(report.notes)]
    return [report.profile, outcome, _way(report), f"{report.seconds:.2f} s"]


def _way(report: MigrationReport) -> str:
    """From where to where; nothing where the database could not be asked."""
    from myfy_data.migrations.report import listed_revisions

    if report.before is None:
        return ""
    after = "unknown" if report.after is None else listed_revisions(report.after)
    return f"{listed_revisions(report.before)} -> {after}"


def _run(selected: SelectedProfiles, action: Action, lock_timeout: float | None, *, as_json: bool) -> int:
    from myfy_data.cli.db import each_profile

    tell = each_profile.teller(selected)
    answers = each_profile.each_awaited(selected, lambda target: action(with_lock_timeout(target, lock_timeout), tell))
    reports = [answer.value for answer in answers if answer.value is not None]
    told = [*reports, *each_profile.passed_reports(selected)]
    errors = [answer.value.error if answer.value is not None else answer.error for answer in answers]
    if as_json:
        each_profile.write_answers([report.as_json() for report in told], errors)
    else:
        if told or not answers:  # what failed before it began has no line of its own
            output.write(render(told))
        each_profile.write_errors(errors)
    return each_profile.exit_code(errors)


def _write_sql(selected: SelectedProfiles, write: Callable[[Target], Coroutine[object, None, None]]) -> int:
    import asyncio

    if len(selected.targets) != 1:
        raise click.UsageError("--sql prints the statements of one database, so it takes one --profile")
    asyncio.run(write(selected.targets[0]))
    return 0
