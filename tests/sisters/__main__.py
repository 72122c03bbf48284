"""`make sisters`: the other packages of myfy on this one. Needs Python 3.12 or later, and a package index.

Usage: `python -m tests.sisters [suites|commands|page ...]`; all three by default. Exit code 1 when something fails.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

from tests.sisters import commands, page, suites
from tests.sisters.environment import StepError, prepare


def steps(asked: list[str]) -> dict[str, Callable[[], None]]:
    """What to do, in order."""
    found: dict[str, Callable[[], None]] = {}
    if "suites" in asked:
        for suite in suites.SUITES:
            found[f"{suite.tests} tests of {suite.package}"] = partial(suites.judge, suite)
    if "commands" in asked:
        found["myfy data"] = commands.judge
    if "page" in asked:
        found[page.PAGE.name] = page.judge
    return found


def main(asked: list[str]) -> int:
    """Do what was asked for; the exit code."""
    if sys.version_info < (3, 12):
        sys.stderr.write("the other packages of myfy need Python 3.12 or later: make sisters PYTHON=python3.12\n")
        return 1
    for name, step in {"the environment": prepare, **steps(asked)}.items():
        began = time.monotonic()
        try:
            step()
        except StepError as error:
            sys.stdout.write(f"{name}: failed\n{error}\n")
            return 1
        sys.stdout.write(f"{name}: as on upstream's package, {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["suites", "commands", "page"]))
