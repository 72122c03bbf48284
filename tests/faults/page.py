"""The page `docs/reference/reliability.md`, made of a campaign's results."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from tests.faults.campaign import Results
from tests.faults.cancels import Cancels
from tests.faults.cases import ALLOWANCE, DEADLINE, TROUBLES
from tests.faults.runs import Outcome, Run
from tests.markdown import heading, listed, row

GENERATED = "<!-- Made by `make faults`: do not edit. -->"
NAMES = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}

INTRO = f"""\
`make faults` puts a proxy that understands the protocol between the library and a real server, and lets a fault fall on
the first message of a request, then on the second, and so on until a request has no message left. It does so for three
requests (read a row; store a row; store two rows in one transaction), in three states of the pool (empty; a connection
that was just used; one that was idle and is checked first), with every deadline set to {DEADLINE:g} s. After each fault
it compares what the caller was told with what is stored, makes another request, and looks for connections that were not
given back or not closed.

- **succeeded, failed, unknown, cancelled**: what the caller was told; unknown is `CommitOutcomeUnknown`. In brackets:
  unknown and stored.
- **untrue**: an acknowledged row is missing, a row of a request that failed is stored, one of two rows is stored, or
  a COMMIT that was never sent was called unknown.
- **late**: the request, or the end of the module, took longer than the deadline of the phase that it was in and the
  {ALLOWANCE:g} s that are allowed beyond it.
"""

CANCELS = """\
Requests that are cancelled at moments which a seed chooses, three at a time on a pool of three: while they read, write
and wait for a slow statement; while they do something else between two statements; at COMMIT; and while they wait for
a connection. A COMMIT that was sent is waited for; the cancellation then says that the work is stored. In between come
**others**, which nobody cancels. **Late** is a cancelled request that took longer than a second to end.
"""


def page(results: Results) -> str:
    """The whole page."""
    lines = [GENERATED, "# Reliability", "", f"Measured on {'; '.join(results.servers)}.", ""]
    lines += ["## A fault on every message", "", INTRO, *loop_table(results.runs), ""]
    lines += ["### With which exceptions requests failed", "", *error_table(results.runs), ""]
    lines += ["### Late", "", *late(results.runs), ""]
    lines += ["## Cancellations", "", CANCELS, *cancel_table(results.cancels), ""]
    lines += ["## Errors that were logged", "", *noise(results), ""]
    lines += ["## Broken promises", "", *(listed(results.broken) or ["None."]), ""]
    return "\n".join(lines)


def loop_table(runs: Sequence[Run]) -> Iterator[str]:
    """Counts for each database and fault."""
    head = "database | fault | faults injected | requests | succeeded | failed | unknown | cancelled | untrue"
    yield from heading(f"{head} | not given back | left open | next request failed | late | slowest (s)")
    for kind, trouble in product(dict.fromkeys(run.case.kind for run in runs), TROUBLES):
        chosen = [run for run in runs if (run.case.kind, run.case.trouble) == (kind, trouble)]
        yield row([NAMES[kind], trouble.name, *counts(chosen)])
    yield row(["**all**", "", *counts(runs)])


def counts(runs: Sequence[Run]) -> list[object]:
    """The counts of some runs, in the order of the table."""
    hit = [run for run in runs if run.hit is not None]
    outcomes = Counter(run.outcome for run in hit)
    stored = sum(run.outcome is Outcome.UNKNOWN and bool(run.rows) for run in hit)
    unknown = outcomes[Outcome.UNKNOWN]
    return [
        len(hit),
        sum(run.requests for run in runs),
        outcomes[Outcome.DONE],
        outcomes[Outcome.FAILED],
        f"{unknown} ({stored})" if unknown else 0,
        outcomes[Outcome.CANCELLED],
        sum(bool(run.untruths) for run in runs),
        sum(run.checked_out for run in runs),
        sum(run.left_open for run in runs),
        sum(bool(run.complaint) for run in runs),
        sum(run.exceeded for run in runs),
        f"{max((run.seconds for run in runs), default=0):.1f}",
    ]


def error_table(runs: Iterable[Run]) -> Iterator[str]:
    """How often which exception reached the caller."""
    found = Counter((NAMES[run.case.kind], run.error) for run in runs if run.error)
    yield from heading("database | exception | requests")
    for (kind, error), count in sorted(found.items()):
        yield row([kind, f"`{error}`", count])


def late(runs: Iterable[Run]) -> list[str]:
    """What was late, by the message that it met."""
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        if run.exceeded:
            found[f"{NAMES[run.case.kind]}, {run.case.start}: `{run.hit}`"].append(run)
    lines = [
        f"{place}: {len(late)} runs, the slowest {max(max(run.seconds, run.end_seconds) for run in late):.1f} s"
        for place, late in sorted(found.items())
    ]
    return listed(lines) or ["Nothing."]


def cancel_table(cancels: Iterable[Cancels]) -> Iterator[str]:
    """Counts for each database and mode."""
    head = "database | cancelled | requests | rolled back | stored, and said so | done before | unknown | untrue"
    yield from heading(
        f"{head} | wrong rows | not given back | left open | others | others failed | late | slowest end (s)"
    )
    for each in cancels:
        told = [len(each.cancelled), len(each.told_stored), len(each.done), len(each.unknown), each.untrue]
        left = [each.wrong_rows, each.checked_out + each.waiting, each.left_open]
        others = [len(each.bystanders), each.failures.total(), each.late, f"{each.slowest:.2f}"]
        yield row([NAMES[each.kind], each.mode, sum(told[:4]), *told, *left, *others])


def noise(results: Results) -> list[str]:
    """What was logged as an error, or reported by the event loop or the interpreter, each once with its count."""
    every = results.noise + [f"{each.kind}: {message}" for each in results.cancels for message in each.noise]
    found = Counter(re.sub(r"0x[0-9a-f]+", "0x...", message) for message in every)
    return listed(f"{count} times: `{message}`" for message, count in sorted(found.items())) or ["Nothing."]
