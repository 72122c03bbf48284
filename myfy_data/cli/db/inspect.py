"""`db current`, `db history`, `db heads`, `db check`: what only looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.db.options import SelectedProfiles, profile_options

if TYPE_CHECKING:
    from myfy_data.cli.db.each_profile import Answer
    from myfy_data.migrations.report import CheckReport, CurrentReport, RevisionInfo

_AS_JSON = "Print a list with one answer for each profile."


@click.command(cls=StrictCommand)
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def current(selected: SelectedProfiles, *, as_json: bool) -> int:
    """Show the revision that each database is at."""
    from myfy_data.cli.db import each_profile
    from myfy_data.migrations.runner import read_current

    answers = each_profile.each_awaited(selected, read_current)
    if not as_json:
        output.write(output.columns([_current(answer.value) for answer in answers if answer.value is not None]))
    return each_profile.finish(selected, answers, as_json=as_json)


@click.command(cls=StrictCommand)
@click.option("-r", "--range", "revisions", metavar="FROM:TO", help="Only these revisions.")
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def history(selected: SelectedProfiles, *, revisions: str | None, as_json: bool) -> int:
    """List all revisions, the newest first; connects to nothing."""
    from myfy_data.cli.db import each_profile
    from myfy_data.migrations.commands import read_history

    return _list(selected, each_profile.each(selected, lambda target: read_history(target, revisions)), as_json=as_json)


@click.command(cls=StrictCommand)
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def heads(selected: SelectedProfiles, *, as_json: bool) -> int:
    """List revisions that no other follows; connects to nothing."""
    from myfy_data.cli.db import each_profile
    from myfy_data.migrations.commands import read_history

    answers = each_profile.each(selected, lambda target: [info for info in read_history(target) if info.is_head])
    return _list(selected, answers, as_json=as_json)


@click.command(cls=StrictCommand)
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def check(selected: SelectedProfiles, *, as_json: bool) -> int:
    """Check that databases and models are at head.

    Exit code 1 when revisions have to run, or when the models have changed and no revision says so.
    """
    from myfy_data.cli.db import each_profile
    from myfy_data.migrations.commands import check as check_target

    answers = each_profile.each_awaited(selected, check_target)
    if not as_json:
        for answer in answers:
            if answer.value is not None:
                output.write(render_check(answer.value))
    ok = all(answer.value is None or answer.value.ok for answer in answers)
    return each_profile.finish(selected, answers, as_json=as_json, ok=ok)


def render_check(report: CheckReport) -> Iterator[output.Line]:
    """The lines of one profile's check, with the commands that mend it."""
    from myfy_data.migrations.report import listed_revisions

    state = report.state
    here, there = listed_revisions(state.current), listed_revisions(state.heads)
    if report.ok:
        yield [(f"{report.profile}: at head ({there}), and the models agree", "green")]
    elif state.is_half_done:
        yield [(f"{report.profile}: between two revisions: {state.interrupted}", "red")]
        yield from output.message_lines(f"  fix: {state.fix}")
        return
    elif not state.is_at_head:
        which = ", which no file has" if state.unknown else ""
        yield [(f"{report.profile}: the database is at {here}{which}, and head is {there}", "red")]
        yield from output.message_lines(f"  fix: {state.fix}")
    else:
        yield [(f"{report.profile}: at head ({there}), but the models have changed:", "red")]
        yield from ([f"    {line}"] for line in report.drift)
        yield from output.message_lines(f"  fix: myfy-data db revision --profile {report.profile} -m MESSAGE")
    if state.interrupted:
        yield [(f"    {state.interrupted}", "yellow")]


def _current(report: CurrentReport) -> list[output.Span]:
    from myfy_data.migrations.report import listed_revisions

    state = ("head", "green") if report.is_at_head else (f"head is {listed_revisions(report.heads)}", "yellow")
    if report.is_half_done:
        state = ("half done", "red")
    return [report.profile, listed_revisions(report.current), state, report.interrupted]


def _list(selected: SelectedProfiles, answers: Sequence[Answer[list[RevisionInfo]]], *, as_json: bool) -> int:
    from myfy_data.cli.db import each_profile

    if not as_json:
        named = [(answer.profile, info) for answer in answers for info in answer.value or ()]
        output.write(output.columns([_revision(profile, info) for profile, info in named]))
    return each_profile.finish(selected, answers, as_json=as_json)


def _revision(profile: str, info: RevisionInfo) -> list[output.Span]:
    from myfy_data.migrations.report import listed_revisions

    step = f"{listed_revisions(info.parents)} -> {info.revision}"
    marks = " ".join(["(head)"] * info.is_head + [f"({label})" for label in info.branches])
    return [profile, step, (marks, "green"), info.message]
