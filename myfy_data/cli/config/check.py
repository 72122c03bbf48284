"""`config check`: everything that is wrong, and everything worth a look, without connecting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.options import LoadOptions, load_options
from myfy_data.errors import DataModuleError, Problem

if TYPE_CHECKING:
    from myfy_data.capacity.report import ServerCapacity
    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.settings.loader import LoadReport

_NO_FILES = frozenset({"defaults", "environment", "argument"})


@click.command(cls=StrictCommand)
@click.option("--strict", is_flag=True, help="Exit with 1 when there are warnings.")
@click.option("--connect", is_flag=True, help="Ask the servers, too, whether they take all connections.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print {problems, warnings, notes, files, profiles, environment}."
)
@load_options
def check(options: LoadOptions, *, strict: bool, connect: bool, as_json: bool) -> int:
    """Check the configuration, without connecting unless told to.

    Loads it as the application would, and reads the files of passwords and certificates as the engines would. Prints
    every problem of every layer, then the warnings. Exit code 0, 1 (warnings, with --strict) or 2 (problems; in
    production, with --strict, that no configuration was found).
    """
    report = options.inspect(files=True)
    if connect and report.settings is not None:
        report = replace(report, warnings=(*report.warnings, *capacity_warnings(report.settings)))
    if as_json:
        output.write_json(report_json(report))
    else:
        output.write(render(report))
    return exit_code(report, strict=strict)


def capacity_warnings(settings: DataSettings) -> list[Problem]:
    """Each server that takes fewer connections than may be opened (contract C11.7), or that does not answer."""
    from myfy_data.capacity.servers import ask_servers

    try:
        servers = ask_servers(settings)
    except DataModuleError as error:
        message, fix = output.split_fix(str(error))
        return [Problem("", "", f"the limits of connections are not known: {message}", fix=fix)]
    return [_too_many(settings, server) for server in servers if not server.fits]


def _too_many(settings: DataSettings, server: ServerCapacity) -> Problem:
    key = f"profiles.{server.profiles[0]}.pool_size"
    return Problem(str(settings.origin(key)), key, f"server {server.server}: {server}", fix=server.fix)


def exit_code(report: LoadReport, *, strict: bool) -> int:
    """The code that tells scripts how the check went."""
    if report.problems or (strict and report.settings is not None and report.settings.lacks_configuration):
        return 2
    return 1 if strict and report.warnings else 0


def file_count(report: LoadReport) -> int:
    """How many files took part: layers, `.env` and overlays; a secrets directory is not one file."""
    found = (layer.name for layer in report.layers if layer.state == "found")
    return sum(name not in _NO_FILES and not name.startswith("secrets_dir ") for name in found)


def notes(report: LoadReport) -> list[str]:
    """What is set for us by its name, as it seems, and read by nothing; it stops nothing, not even with --strict."""
    from myfy_data.layers.variables.unused import is_unused

    return [f"{layer.name} is not read: {layer.reason}" for layer in report.layers if is_unused(layer)]


def report_json(report: LoadReport) -> dict[str, object]:
    """The report as `--json` gives it."""
    return {
        "environment": report.environment,
        "files": file_count(report),
        "profiles": len(report.profiles),
        "problems": [problem.as_json() for problem in report.problems],
        "warnings": [warning.as_json() for warning in report.warnings],
        "notes": notes(report),
    }


def render(report: LoadReport) -> Iterator[output.Line]:
    """The lines of a report; the last one counts."""
    for problem in report.problems:
        yield from output.message_lines(str(problem))
    for warning in report.warnings:
        yield from output.message_lines(f"warning: {warning}")
    for note in notes(report):
        yield from output.message_lines(f"note: {note}")
    counts = (
        _counted(file_count(report), "file"),
        _counted(len(report.profiles), "profile"),
        _counted(len(report.problems), "error"),
        _counted(len(report.warnings), "warning"),
    )
    yield [(", ".join(counts), "red" if report.problems else "yellow" if report.warnings else "green")]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
