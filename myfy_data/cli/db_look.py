"""`db current`, `db history`, `db heads`, `db check`: what only looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from myfy_data.cli import output
from myfy_data.cli.db_options import Chosen, profile_options
from myfy_data.cli.options import single_option

if TYPE_CHECKING:
    from myfy_data.cli.db_work import Answer
    from myfy_data.migrations.report import CheckReport, CurrentReport, RevisionInfo

_AS_JSON = "Print a list with one answer for each profile."


@click.command()
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def current(chosen: Chosen, *, as_json: bool) -> int:
    """Show the revision that each database is at."""
    from myfy_data.cli import db_work
    from myfy_data.migrations.runner import read_current

    answers = db_work.each_awaited(chosen.targets, read_current)
    if not as_json:
        output.write(output.columns([_current(answer.value) for answer in answers if answer.value is not None]))
    return _finish(chosen, answers, as_json=as_json)


@click.command()
@single_option("-r", "--range", "revisions", metavar="FROM:TO", help="Only these revisions.")
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def history(chosen: Chosen, *, revisions: str | None, as_json: bool) -> int:
    """List all revisions, the newest first; connects to nothing."""
    from myfy_data.cli import db_work
    from myfy_data.migrations.operations import read_history

    return _list(chosen, db_work.each(chosen.targets, lambda target: read_history(target, revisions)), as_json=as_json)


@click.command()
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def heads(chosen: Chosen, *, as_json: bool) -> int:
    """List revisions that no other follows; connects to nothing."""
    from myfy_data.cli import db_work
    from myfy_data.migrations.operations import read_history

    answers = db_work.each(chosen.targets, lambda target: [info for info in read_history(target) if info.is_head])
    return _list(chosen, answers, as_json=as_json)


@click.command()
@click.option("--json", "as_json", is_flag=True, help=_AS_JSON)
@profile_options
def check(chosen: Chosen, *, as_json: bool) -> int:
    """Check that databases and models are at head.

    Exit code 1 when revisions have to run, or when the models have changed and no revision says so.
    """
    from myfy_data.cli import db_work
    from myfy_data.migrations.operations import check as check_target

    answers = db_work.each_awaited(chosen.targets, check_target)
    if not as_json:
        for answer in answers:
            if answer.value is not None:
                output.write(render_check(answer.value))
    ok = all(answer.value is None or answer.value.ok for answer in answers)
    return _finish(chosen, answers, as_json=as_json, ok=ok)


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


def _list(chosen: Chosen, answers: Sequence[Answer[list[RevisionInfo]]], *, as_json: bool) -> int:
    if not as_json:
        named = [(answer.profile, info) for answer in answers for info in answer.value or ()]
        output.write(output.columns([_revision(profile, info) for profile, info in named]))
    return _finish(chosen, answers, as_json=as_json)


def _revision(profile: str, info: RevisionInfo) -> list[output.Span]:
    from myfy_data.migrations.report import listed_revisions

    step = f"{listed_revisions(info.parents)} -> {info.revision}"
    marks = " ".join(["(head)"] * info.is_head + [f"({label})" for label in info.branches])
    return [profile, step, (marks, "green"), info.message]


def _finish(chosen: Chosen, answers: Sequence[Answer[Any]], *, as_json: bool, ok: bool = True) -> int:
    from myfy_data.cli import db_work

    errors = [answer.error for answer in answers]
    if as_json:
        passed = [{"profile": passed.profile, "passed_over": passed.reason} for passed in chosen.passed]
        output.write_json([*(_answer_json(answer) for answer in answers), *passed])
    else:
        output.write([[(f"{passed.profile}: passed over: {passed.reason}", "dim")] for passed in chosen.passed])
        db_work.write_errors(errors)
    return db_work.exit_code(errors, ok=ok)


def _answer_json(answer: Answer[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"profile": answer.profile, "error": None if answer.error is None else str(answer.error)}
    if isinstance(answer.value, list):
        return {**told, "revisions": [info.as_json() for info in answer.value]}
    return told if answer.value is None else {**told, **answer.value.as_json()}
