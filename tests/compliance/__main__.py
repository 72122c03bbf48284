"""`make compliance`: run SQLAlchemy's own tests on plain engines and on ours, and say which verdicts differ, and why.

Usage: `python -m tests.compliance [--databases ...] [--suites ...] [-p N] [-k EXPRESSION] [--kept] [--page FILE]`.
Exit code 1 when a difference has no reason (`reasons.py`); what the tests said then stays in the folder that is named
at the end. Results are kept in `.cache/compliance`: the page is made of the latest of each suite on each database.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy

from tests.compliance.campaign import Campaign
from tests.compliance.comparison import Comparison, unneeded
from tests.compliance.databases import KINDS, Kind
from tests.compliance.page import described, page
from tests.compliance.reasons import REASONS
from tests.compliance.results import keep, kept, missing
from tests.compliance.sources import CACHE, SUITES, files_of, sdist

RESULTS = CACHE / f"results-{sqlalchemy.__version__}"


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.compliance", description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("-p", "--processes", type=int, default=1, help="at the same time, for each sort of engine")
    parser.add_argument("-k", dest="expression", help="only the tests that fit, as pytest's -k; nothing is kept")
    parser.add_argument("--kept", action="store_true", help="run nothing: judge again what earlier runs came to")
    parser.add_argument("--page", type=Path, help="write the tables into this file, once everything has been compared")
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
    campaign = Campaign(source, suites, folder, say, given.processes, options, revision())
    found: list[Comparison] = []
    for name in given.databases:
        with KINDS[name].server() as server:
            for comparison in campaign.compare(KINDS[name], server):
                found.append(comparison)
                if not given.expression:
                    keep(RESULTS, comparison)
    return found


def revision() -> str:
    """The project's commit."""
    command = ["git", "-C", str(CACHE), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def judge(comparisons: list[Comparison]) -> int:
    """Say what differs without a reason; how many those are."""
    unexplained = [each for comparison in comparisons for each in comparison.unexplained]
    for each in unexplained:
        say(described(each))
    same = sum(comparison.same.total() for comparison in comparisons)
    differ = sum(len(comparison.differences) for comparison in comparisons)
    say(f"{same} same, {differ} differ, {len(unexplained)} without a reason")
    return len(unexplained)


def write(path: Path) -> None:
    """Make the page of what is kept, if that is everything, and name reasons that nothing needs any more."""
    everything = kept(RESULTS, list(KINDS), list(SUITES), REASONS)
    absent = missing(everything, list(KINDS), list(SUITES))
    if absent:
        say(f"{path} stays as it is until these are compared: {', '.join(absent)}")
        return
    path.write_text(page(everything), encoding="utf-8")
    for reason in unneeded(everything, REASONS):
        say(f"no difference needs this reason any more: {reason.pattern}: {reason.text}")


def main() -> int:
    """Run it."""
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers and processes end with the tool
    started = time.monotonic()
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
    comparisons = kept(RESULTS, given.databases, given.suites, REASONS) if given.kept else run(given, folder)
    sys.stdout.write(page(comparisons))
    if given.page is not None:
        write(given.page)
    unexplained = judge(comparisons)
    say(f"{time.monotonic() - started:.0f} s")
    if unexplained and not given.kept:
        say(f"what the tests said: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
