"""Doing one thing to each profile in turn; a failure in one does not keep the others from their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from myfy_data.cli import output
from myfy_data.cli.db_options import Chosen
from myfy_data.errors import ConfigError, DataModuleError
from myfy_data.migrations.report import MigrationReport, Tell
from myfy_data.migrations.target import Target

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came of one profile.

    Attributes:
        profile: its name.
        value: what was found or done; None when that failed.
        error: why it failed.
    """

    profile: str
    value: T | None = None
    error: DataModuleError | None = None


def each(targets: Iterable[Target], action: Callable[[Target], T]) -> list[Answer[T]]:
    """Do something for every profile, and note what fails."""
    answers: list[Answer[T]] = []
    for target in targets:
        try:
            answers.append(Answer(target.profile, action(target)))
        except DataModuleError as error:
            answers.append(Answer(target.profile, error=error))
    return answers


def each_awaited(targets: Iterable[Target], action: Callable[[Target], Coroutine[Any, Any, T]]) -> list[Answer[T]]:
    """As `each`, for coroutines: one after the other, in one event loop for each."""
    return each(targets, lambda target: asyncio.run(action(target)))


def passed_reports(chosen: Chosen) -> list[MigrationReport]:
    """A line in the report for every profile that was passed over."""
    return [MigrationReport(passed.profile, "passed over", notes=(passed.reason,)) for passed in chosen.passed]


def write_errors(errors: Iterable[DataModuleError | None]) -> None:
    """Tell what failed, on standard error."""
    for error in errors:
        if error is not None:
            output.write_error(str(error))


def exit_code(errors: Iterable[DataModuleError | None], *, ok: bool = True) -> int:
    """2 when a profile cannot even be tried, 1 when one failed, else 0."""
    found = [error for error in errors if error is not None]
    if any(isinstance(error, ConfigError) for error in found):
        return 2
    return int(bool(found) or not ok)


def teller(chosen: Chosen) -> Tell:
    """Who hears what goes on: on a terminal everything, in a log only whom we wait for."""
    width = max((len(target.profile) for target in chosen.targets), default=0)

    def tell(profile: str, line: str) -> None:
        if output.is_watched() or line.startswith("waiting"):
            output.write_note([(profile.ljust(width), "cyan"), f"  {line}"])

    return tell
