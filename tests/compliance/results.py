"""What runs came to, kept, so that a page can be made of several: one database or suite after the other."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.compliance.comparison import Comparison, Difference, explained
from tests.compliance.reasons import Reason

LONGEST = 2000
"""Characters of what a test said that are kept; its end tells most."""

_LISTS = ("differences", "unsteady")


def keep(folder: Path, comparison: Comparison) -> None:
    """Write a comparison down, in the place of an earlier one of the same suite and database."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{comparison.database}-{comparison.suite}.json"
    values = vars(comparison) | {name: [*map(dataclasses.asdict, vars(comparison)[name])] for name in _LISTS}
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")


def kept(folder: Path, databases: Sequence[str], suites: Sequence[str], reasons: Sequence[Reason]) -> list[Comparison]:
    """What is kept of these databases and suites, explained by the reasons of today."""
    paths = [folder / f"{database}-{suite}.json" for database in databases for suite in suites]
    return [_read(path.read_text(encoding="utf-8"), reasons) for path in paths if path.exists()]


def _read(text: str, reasons: Sequence[Reason]) -> Comparison:
    values = json.loads(text)
    for name in ("same", "engines"):
        values[name] = Counter(values[name])
    for name in _LISTS:
        values[name] = explained(map(_difference, values[name]), reasons)
    return Comparison(**values)


def _difference(values: dict[str, str]) -> Difference:
    return Difference(**{**values, "text": values["text"][-LONGEST:], "reason": None})


def missing(comparisons: Iterable[Comparison], databases: Sequence[str], suites: Sequence[str]) -> list[str]:
    """Which suites of which databases have not been compared."""
    there = {(comparison.database, comparison.suite) for comparison in comparisons}
    return [f"{suite} on {database}" for database in databases for suite in suites if (database, suite) not in there]
