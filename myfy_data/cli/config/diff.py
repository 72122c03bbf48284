"""`config diff`: what would be loaded in one environment and not, or otherwise, in another (contract C14.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_environments
from myfy_data.cli.options import LoadOptions, load_options, settings_of

if TYPE_CHECKING:
    from myfy_data.cli.config.compare import Comparison, Difference
    from myfy_data.errors import Problem
    from myfy_data.settings.loader import LoadReport

_BY_ARGUMENT = re.compile(r'environment="([^"]+)", or .*')


@click.command(cls=StrictCommand)
@click.argument("left", metavar="A", shell_complete=complete_environments)
@click.argument("right", metavar="B", shell_complete=complete_environments)
@click.option("--json", "as_json", is_flag=True, help="Print a list of {key, left, right, left_place, right_place}.")
@load_options
def diff(options: LoadOptions, *, left: str, right: str, as_json: bool) -> int:
    """Compare two environments, such as staging and production.

    Loads the files as each of them would, with no variable of this machine, without .env and config/local.*. References
    to variables are shown as they are written; of secrets it says set, missing, same or different. Exit code 0 when
    nothing differs, 1 when something does, 2 when one of them cannot be loaded.
    """
    from myfy_data.cli.config.compare import compare

    if options.environment is not None:
        raise click.UsageError("config diff takes its environments as arguments: config diff A B")
    reports = [_load(options, left, (None, right)), _load(options, right, (left, None))]
    comparison = compare(*map(settings_of, reports))
    if left != right and _files(reports[0]) == _files(reports[1]):
        reason = "--config takes the place of config/" if options.config else "neither has a file of its own in config/"
        output.write_note([f"{reason}: {left} and {right} were compared by the same files"])
    if as_json:
        output.write_json([difference.as_json() for difference in comparison.differences])
    else:
        output.write(render(comparison, left, right))
    return 0 if comparison.is_equal else 1


def render(comparison: Comparison, left: str, right: str) -> Iterator[output.Line]:
    """A line for each key that differs, one for each profile that only one of them has, and the counts."""
    lonely = dict(_lonely(comparison))
    rows: list[list[output.Span]] = []
    for difference in comparison.differences:
        name = difference.path[1] if difference.path[0] == "profiles" else None
        if name is None or name not in lonely:
            rows.append(_row(difference))
    yield from output.columns(rows)
    for name, (is_left, place) in lonely.items():
        yield [(f"{name}  only in {left if is_left else right} ({place})", "yellow")]
    yield [", ".join(_counts(comparison, lonely, left, right))]


def _counts(comparison: Comparison, lonely: dict[str, tuple[bool, str]], left: str, right: str) -> Iterator[str]:
    differing = [
        difference
        for difference in comparison.differences
        if not difference.is_same and not (difference.path[0] == "profiles" and difference.path[1] in lonely)
    ]
    yield f"{len(differing)} {'differs' if len(differing) == 1 else 'differ'}"
    for environment, on_left in ((left, True), (right, False)):
        if number := sum(is_left is on_left for is_left, _ in lonely.values()):
            yield f"{number} {'profile' if number == 1 else 'profiles'} only in {environment}"
    same = sum(difference.is_same for difference in comparison.differences)
    yield f"{comparison.equal + same} equal"


def _row(difference: Difference) -> list[output.Span]:
    style = "dim" if difference.is_same else ""
    sides = ((difference.left, difference.left_place), (difference.right, difference.right_place))
    return [_short(difference), *((_side(value, place), style) for value, place in sides)]


def _short(difference: Difference) -> str:
    from myfy_data.settings.effective import key_text

    path = difference.path
    return key_text(path[1:] if path[0] == "profiles" else path)


def _side(value: object, place: str | None) -> str:
    from myfy_data.settings.effective import written

    if value is None:
        return "not set"
    return written(value) if place in (None, "default") else f"{written(value)} ({place})"


def _lonely(comparison: Comparison) -> Iterator[tuple[str, tuple[bool, str]]]:
    """The profiles that only one environment has, whether that is the first, and where each begins."""
    sides: dict[str, list[Difference]] = {}
    for difference in comparison.differences:
        if difference.path[0] == "profiles":
            sides.setdefault(difference.path[1], []).append(difference)
    for name, found in sides.items():
        address = [difference for difference in found if difference.path[2] in ("database_url", "driver", "required")]
        for is_left, other in ((True, "right_place"), (False, "left_place")):
            if address and all(getattr(difference, other) is None for difference in found):
                own = "left_place" if is_left else "right_place"
                yield name, (is_left, str(getattr(address[0], own)))


def _load(options: LoadOptions, environment: str, others: tuple[str | None, str | None]) -> LoadReport:
    """What a load in this environment finds out, on a machine with no variables; warnings are told."""
    from myfy_data.settings.loader import inspect_settings

    request = replace(options.request(), environment=environment, environ={}, elsewhere=True)
    report = inspect_settings(request)
    if report.settings is not None and report.settings.unconfigured is not None:
        output.write_error(f"warning: {report.settings.unconfigured}")
    return replace(report, problems=tuple(_as_typed(problem, others) for problem in report.problems))


def _files(report: LoadReport) -> list[str]:
    """The layers that took part."""
    return [layer.name for layer in report.layers if layer.state == "found"]


def _as_typed(problem: Problem, others: tuple[str | None, str | None]) -> Problem:
    """A problem of the environment's name, with the fix as this command takes it."""
    found = _BY_ARGUMENT.fullmatch(problem.fix)
    if found is None:
        return problem
    names = " ".join(found[1] if other is None else other for other in others)
    return replace(problem, fix=f"myfy-data config diff {names}")
