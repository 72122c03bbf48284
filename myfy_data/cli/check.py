"""`config check`: everything that is wrong, and everything worth a look, without connecting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from myfy_data.cli import output
from myfy_data.cli.options import Asked, load_options

if TYPE_CHECKING:
    from myfy_data.errors import Problem
    from myfy_data.settings.loader import LoadReport

_NO_FILES = frozenset({"defaults", "environment", "argument"})


@click.command()
@click.option("--strict", is_flag=True, help="Exit with 1 when there are warnings.")
@click.option("--json", "as_json", is_flag=True, help="Print {problems, warnings, files, profiles, environment}.")
@load_options
def check(asked: Asked, *, strict: bool, as_json: bool) -> int:
    """Check the configuration, without connecting.

    Loads it as the application would. Prints every problem of every layer, then the warnings. Exit code 0, 1 (warnings,
    with --strict) or 2 (problems; in production, with --strict, that no configuration was found).
    """
    report = asked.inspect()
    if as_json:
        output.write_json(report_json(report))
    else:
        output.write(render(report))
    return exit_code(report, strict=strict)


def exit_code(report: LoadReport, *, strict: bool) -> int:
    """The code that tells scripts how the check went."""
    if report.problems or (strict and report.settings is not None and report.settings.lacks_configuration):
        return 2
    return 1 if strict and report.warnings else 0


def file_count(report: LoadReport) -> int:
    """How many files took part: layers, `.env` and overlays; a secrets directory is not one file."""
    found = (layer.name for layer in report.layers if layer.state == "found")
    return sum(name not in _NO_FILES and not name.startswith("secrets_dir ") for name in found)


def report_json(report: LoadReport) -> dict[str, Any]:
    """The report as `--json` gives it."""
    return {
        "environment": report.environment,
        "files": file_count(report),
        "profiles": len(report.profiles),
        "problems": [_problem_json(problem) for problem in report.problems],
        "warnings": [_problem_json(warning) for warning in report.warnings],
    }


def render(report: LoadReport) -> Iterator[output.Line]:
    """The lines of a report; the last one counts."""
    for problem in report.problems:
        yield from output.message_lines(str(problem))
    for warning in report.warnings:
        yield from output.message_lines(f"warning: {warning}")
    counts = (
        _counted(file_count(report), "file"),
        _counted(len(report.profiles), "profile"),
        _counted(len(report.problems), "error"),
        _counted(len(report.warnings), "warning"),
    )
    yield [(", ".join(counts), "red" if report.problems else "yellow" if report.warnings else "green")]


def _problem_json(problem: Problem) -> dict[str, Any]:
    told = asdict(problem)
    del told["kind"]
    return told


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
