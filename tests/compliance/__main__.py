"""`make compliance`: run SQLAlchemy's own tests on plain engines and on ours, and say which verdicts differ, and why.

Usage: `python -m tests.compliance [--databases ...] [--suites ...] [-p N] [-k EXPRESSION] [--page FILE]`. Exit code 1
when a difference has no reason (`reasons.py`); what the tests said then stays in the folder that is named at the end.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.compliance.campaign import Campaign
from tests.compliance.comparison import Comparison, unneeded
from tests.compliance.databases import KINDS, Kind
from tests.compliance.page import described, page
from tests.compliance.reasons import REASONS
from tests.compliance.sources import CACHE, SUITES, files_of, sdist


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.compliance", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("-p", "--processes", type=int, default=1, help="at the same time, for each sort of engine")
    parser.add_argument("-k", dest="expression", help="only the tests that fit, as pytest's -k")
    parser.add_argument("--page", type=Path, help="write the tables into this file, unless only a part was run")
    return parser.parse_args()


def say(line: str) -> None:
    """Show what is going on, beside the results."""
    sys.stderr.write(f"{line}\n")


def run(given: argparse.Namespace, folder: Path) -> list[Comparison]:
    """Compare what was asked for, one database after the other."""
    source = sdist()

    def suites(kind: Kind) -> dict[str, list[str]]:
        return {suite: files_of(source, suite, kind.name) for suite in given.suites}

    options = ["-k", given.expression] if given.expression else []
    campaign = Campaign(source, suites, folder, say, given.processes, options)
    found: list[Comparison] = []
    for name in given.databases:
        with KINDS[name].server() as server:
            found += campaign.compare(KINDS[name], server)
    return found


def main() -> int:
    """Run it."""
    given = arguments()
    started = time.monotonic()
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
    comparisons = run(given, folder)
    sys.stdout.write(page(comparisons))
    is_whole = (given.databases, given.suites, given.expression) == (list(KINDS), list(SUITES), None)
    if given.page is not None and is_whole:
        given.page.write_text(page(comparisons), encoding="utf-8")
    unexplained = [each for comparison in comparisons for each in comparison.unexplained]
    for each in unexplained:
        say(described(each))
    for reason in unneeded(comparisons, REASONS) if is_whole else ():
        say(f"no difference needs this reason any more: {reason.pattern}: {reason.text}")
    same = sum(comparison.same.total() for comparison in comparisons)
    differ = sum(len(comparison.differences) for comparison in comparisons)
    say(f"{same} same, {differ} differ, {len(unexplained)} without a reason; {time.monotonic() - started:.0f} s")
    if unexplained:
        say(f"what the tests said: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
