"""`doctor`: the command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.options import LoadOptions, load_options, settings_of

if TYPE_CHECKING:
    from myfy_data.cli.doctor.finding import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(cls=StrictCommand)
@click.option("--json", "as_json", is_flag=True, help="Print a list of {check, profile, status, message, fix}.")
@load_options
def doctor(options: LoadOptions, *, as_json: bool) -> int:
    """Look for what is wrong in a set-up; changes nothing.

    Drivers, the connection of each active profile, its role, TLS, versions, time-outs, the number of connections,
    migrations, SQLite's files, probes of Kubernetes. Exit code 0, 1 (warnings only) or 2 (a failure, an unreachable
    database included).
    """
    report = options.inspect(files=True)
    # Only now: this imports SQLAlchemy, which takes longer than to find a mistake.
    from myfy_data.cli.doctor.examine import examine
    from myfy_data.cli.doctor.finding import exit_code

    settings = settings_of(report)
    with output.progress("looking at files, drivers and servers"):
        findings = examine(settings, report.warnings)
    if as_json:
        output.write_json([finding.as_json() for finding in findings])
    else:
        output.write(render(findings))
    return exit_code(findings)


def render(findings: Sequence[Finding]) -> Iterator[output.Line]:
    """One line for each finding, with its fix below."""
    width = max((len(finding.check) for finding in findings), default=0)
    for finding in findings:
        whose = f"{finding.profile}: " if finding.profile else ""
        mark = (f"{finding.status:<4}", _COLOURS[finding.status])
        yield [mark, f"  {finding.check:<{width}}  {whose}{finding.message}"]
        if finding.fix:
            yield [(f"  fix: {finding.fix}", "green")]
