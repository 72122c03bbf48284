"""`make faults`: run the whole campaign, print its tables, and write them into the documentation.

Usage: `python -m tests.faults [--cancels N] [--page FILE]`. Exit code 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from tests.faults.campaign import run_all
from tests.faults.page import page


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--cancels", type=int, default=500, help="cancellations for each mode and database")
    parser.add_argument("--page", type=Path, help="write the tables into this file")
    return parser.parse_args()


def say(line: str) -> None:
    """Show what is going on, beside the results."""
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Run it."""
    given = arguments()
    started = time.monotonic()
    results = asyncio.run(run_all(given.cancels, say))
    text = page(results)
    sys.stdout.write(text)
    if given.page is not None:
        given.page.parent.mkdir(parents=True, exist_ok=True)
        given.page.write_text(text, encoding="utf-8")
    say(f"{len(results.broken)} promises broken, {time.monotonic() - started:.0f} s")
    return 1 if results.broken else 0


if __name__ == "__main__":
    sys.exit(main())
