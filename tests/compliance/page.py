"""The results as a page of the documentation."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence

from tests.compliance.comparison import Comparison, Difference, by_reason
from tests.compliance.databases import KINDS
from tests.compliance.results import missing
from tests.compliance.sources import SUITES
from tests.markdown import heading, listed, row

GENERATED = "<!-- Made by `make compliance`: do not edit. -->"
PACKAGES = ("sqlalchemy", "asyncpg", "aiomysql", "aiosqlite")

INTRO = """\
SQLAlchemy's own tests, out of its source distribution, run twice on each database: on engines of `create_async_engine`,
and on engines of profiles (`open_engine`). The profile says what the test's arguments of `create_engine` say, and takes
back two defaults of ours, which SQLAlchemy's tests expect otherwise: `hide_parameters = false` and, on SQLite,
`foreign_keys = false`. A test that brings a driver, a connection or a pool of its own gets a plain engine both times.

A test is the **same** when its verdict is: passed, failed, skipped, expected to fail. What differs is run once more,
without the rest; only what differs again counts.
"""


def page(comparisons: Sequence[Comparison]) -> str:
    """The whole page."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    servers = ", ".join(sorted({f"{KINDS[each.database].title} {each.server}" for each in comparisons}))
    commits = ", ".join(sorted({each.revision for each in comparisons}))
    measured = f"Measured with {versions}, on {servers}, at {commits}."
    absent = ", ".join(missing(comparisons, list(KINDS), list(SUITES)))
    lines = [GENERATED, "# SQLAlchemy's own tests", "", measured, "", INTRO]
    lines += [f"Not compared: {absent}.", ""] if absent else []
    lines += ["## Verdicts", "", *verdicts(comparisons), ""]
    lines += ["## Why tests differ", "", *reasons(comparisons), ""]
    lines += ["## Which tests differ", "", *(tests(comparisons) or ["None."]), ""]
    lines += ["## Differed once", "", "They did not differ when they were run again by themselves.", ""]
    lines += [*(listed(unsteady(comparisons)) or ["None."]), ""]
    return "\n".join(lines)


def verdicts(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Counts for each database and suite."""
    judged = "same | of these passed | skipped | failed | differ"
    yield from heading(f"database | suite | {judged} | engines of ours | plain")
    for each in comparisons:
        yield row([KINDS[each.database].title, each.suite, *counts([each])])
    yield row(["**all**", "", *counts(comparisons)])


def counts(comparisons: Sequence[Comparison]) -> list[object]:
    """The counts of some comparisons, in the order of the table."""
    same = sum(each.same.total() for each in comparisons)
    passed = sum(each.same["passed"] for each in comparisons)
    skipped = sum(each.same["skipped"] for each in comparisons)
    differ = sum(len(each.differences) for each in comparisons)
    engines = [sum(each.engines[sort] for each in comparisons) for sort in ("ours", "plain")]
    return [same, passed, skipped, same - passed - skipped, differ, *engines]


def reasons(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Each reason, with how many tests differ because of it."""
    yield from heading("database | tests | why")
    for (reason, database), found in by_reason(comparisons).items():
        yield row([KINDS[database].title, len(found), reason.text if reason else "**no reason is known**"])


def tests(comparisons: Sequence[Comparison]) -> list[str]:
    """The tests of each reason, by name."""
    lines: list[str] = []
    for (reason, database), found in by_reason(comparisons).items():
        lines += [f"{KINDS[database].title}: {reason.text if reason else 'no reason is known'}", ""]
        lines += [*listed(f"`{each.test}`: {each.plain}, ours {each.ours}" for each in found), ""]
    return lines


def unsteady(comparisons: Sequence[Comparison]) -> list[str]:
    """What differed in the whole run only."""
    return [
        f"{KINDS[each.database].title}: `{each.test}`: {each.plain}, ours {each.ours}"
        for comparison in comparisons
        for each in comparison.unsteady
    ]


def described(difference: Difference) -> str:
    """An unexplained difference, with the end of what its test said."""
    end = "\n".join(f"    {line}" for line in difference.text.strip().splitlines()[-3:])
    return f"{difference.database}: {difference.test}: {difference.plain}, ours {difference.ours}\n{end}"
