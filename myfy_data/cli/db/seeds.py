"""`db seed`, `db reset`: the rows that a database begins with, and beginning anew (contract C14.1, C14.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.db.databases import YES_DROP, typed_name
from myfy_data.cli.db.options import SelectedProfiles, profile_options, with_dropping

if TYPE_CHECKING:
    from myfy_data.migrations.target import Target
    from myfy_data.seeds.report import SeedReport
    from myfy_data.seeds.reset import ResetReport


@click.command(cls=StrictCommand)
@click.option("--json", "as_json", is_flag=True, help="Print a list of {profile, files, passed_over, error}.")
@profile_options
def seed(selected: SelectedProfiles, *, as_json: bool) -> int:
    """Store the rows of seeds/PROFILE.

    NN-name.toml and NN-name.yaml name rows and what tells them apart: what is missing is inserted, what differs is
    changed. NN-name.sql and NN-name.py run once in each database. All of a profile's seeds are stored, or none.
    """
    from myfy_data.cli.db import each_profile
    from myfy_data.seeds.runner import seed as seed_target

    tell = each_profile.teller(selected)
    answers = each_profile.each_awaited(selected, lambda target: seed_target(target, tell))
    if not as_json:
        output.write(render([answer.value for answer in answers if answer.value is not None]))
    return each_profile.finish(selected, answers, as_json=as_json)


@click.command(cls=StrictCommand)
@click.option("--yes-drop", "may_drop", metavar="DATABASE", multiple=True, help=YES_DROP)
@click.option("--no-seed", is_flag=True, help="Leave the new database without its seeds.")
@profile_options
def reset(selected: SelectedProfiles, *, may_drop: tuple[str, ...], no_seed: bool) -> int:
    """Drop the database, and make it anew; never in production.

    It is created, upgraded and seeded. Its marker must name this environment, and its name be typed, or given with
    --yes-drop. Migrations and seeds are read before anything is dropped.
    """
    from myfy_data.cli.db import each_profile
    from myfy_data.seeds.reset import reset as reset_target

    tell = each_profile.teller(selected)

    async def work(target: Target) -> ResetReport:
        return await reset_target(target, partial(typed_name, target), seeds=not no_seed, tell=tell)

    answers = each_profile.each_awaited(with_dropping(selected, may_drop), work)
    for answer in answers:
        if answer.value is not None:
            output.write(render_reset(answer.value))
    errors = [answer.error or (answer.value.error if answer.value is not None else None) for answer in answers]
    each_profile.write_passed(selected)
    each_profile.write_errors(errors)
    return each_profile.exit_code(errors)


def render(reports: Sequence[SeedReport]) -> Iterator[output.Line]:
    """One line for each file."""
    for report in reports:
        if report.passed_over:
            yield [(f"{report.profile}: no seeds: {report.passed_over}", "dim")]
    rows: list[list[output.Span]] = [
        [report.profile, file.file, str(file)] for report in reports for file in report.files
    ]
    yield from output.columns(rows)


def render_reset(report: ResetReport) -> Iterator[output.Line]:
    """What was done, in order."""
    from myfy_data.cli.db.run import render as render_migrations

    dropped = f"dropped and created {report.database}" if report.dropped else f"created {report.database}"
    yield [f"{report.profile}: {dropped}"]
    yield from render_migrations([report.upgraded])
    if report.seeded is not None:
        yield from render([report.seeded])
