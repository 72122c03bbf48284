"""Doing one thing to each profile in turn; a failure in one does not keep the others from their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from myfy_data.cli import output
from myfy_data.cli.db.options import SelectedProfiles
from myfy_data.errors import ConfigError, DataModuleError, Problem
from myfy_data.migrations.report import MigrationReport, Tell
from myfy_data.migrations.target import Target

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """What came of one profile.

    Attributes:
        profile: its name.
        value: what was found or done; None when that failed.
        error: why it failed.
    """

    profile: str
    value: T_co | None = None
    error: DataModuleError | None = None


def each(selected: SelectedProfiles, action: Callable[[Target], T]) -> list[Answer[T]]:
    """Do something for every profile, and note what fails; what no engine could be made from is told with its place."""
    answers: list[Answer[T]] = []
    for target in selected.targets:
        try:
            selected.settings.require_engines([target.profile])
            answers.append(Answer(target.profile, action(target)))
        except DataModuleError as error:
            answers.append(Answer(target.profile, error=error))
    return answers


def each_awaited(selected: SelectedProfiles, action: Callable[[Target], Coroutine[object, None, T]]) -> list[Answer[T]]:
    """As `each`, for coroutines: one after the other, in one event loop for each."""
    return each(selected, lambda target: asyncio.run(action(target)))


def passed_reports(selected: SelectedProfiles) -> list[MigrationReport]:
    """A line in the report for every profile that was passed over."""
    return [MigrationReport(passed.profile, "passed over", notes=(passed.reason,)) for passed in selected.passed]


def write_passed(selected: SelectedProfiles) -> None:
    """Tell which profiles were passed over, and why."""
    output.write([[(f"{passed.profile}: passed over: {passed.reason}", "dim")] for passed in selected.passed])


def write_errors(errors: Iterable[DataModuleError | None]) -> None:
    """Tell what failed, on standard error."""
    for error in errors:
        if error is not None:
            output.write_error(str(error))


def write_answers(told: object, errors: Iterable[DataModuleError | None]) -> None:
    """Write the answers as JSON; as every command's errors where no profile could even be tried (contract C14.5)."""
    problems: list[Problem] = []
    for error in errors:
        if not isinstance(error, ConfigError):
            output.write_json(told)
            return
        problems += error.problems
    output.write_json({"problems": [problem.as_json() for problem in problems]} if problems else told)


def finish(
    selected: SelectedProfiles, answers: Sequence[Answer[object]], *, as_json: bool = False, ok: bool = True
) -> int:
    """End a command: tell what was passed over and what failed, or every answer as JSON; the exit code."""
    errors = [answer.error for answer in answers]
    if as_json:
        passed = [{"profile": passed.profile, "passed_over": passed.reason} for passed in selected.passed]
        write_answers([*(_answer_json(answer) for answer in answers), *passed], errors)
    else:
        write_passed(selected)
        write_errors(errors)
    return exit_code(errors, ok=ok)


def _answer_json(answer: Answer[Any]) -> dict[str, object]:
    told: dict[str, Any] = {"profile": answer.profile, "error": None if answer.error is None else str(answer.error)}
    if isinstance(answer.value, list):
        return {**told, "revisions": [info.as_json() for info in answer.value]}
    return told if answer.value is None else {**told, **answer.value.as_json()}


def exit_code(errors: Iterable[DataModuleError | None], *, ok: bool = True) -> int:
    """2 when a profile cannot even be tried, 1 when one failed, else 0."""
    found = [error for error in errors if error is not None]
    if any(isinstance(error, ConfigError) for error in found):
        return 2
    return int(bool(found) or not ok)


def teller(selected: SelectedProfiles) -> Tell:
    """The progress callback: on a terminal every step, in a log only the lock's holder that is waited for."""
    width = max((len(target.profile) for target in selected.targets), default=0)
    return lambda profile, line: tell_step(profile.ljust(width), line)


def tell_step(profile: str, line: str) -> None:
    """A `Tell`, of one profile alone: as `teller`."""
    if output.is_watched() or line.startswith("waiting"):
        output.write_note([(profile, "cyan"), f"  {line}"])
