"""Fail when a test run skipped what it must not skip, or ran nothing.

Usage: `python .ci/check_skips.py JUNIT_XML [--allow REASON]`. Expected failures are not skips.
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path


def skips(report: ET.Element) -> Iterator[tuple[str, str]]:
    """The name and the reason of each skipped test."""
    for case in report.iter("testcase"):
        for skipped in case.iter("skipped"):
            if skipped.get("type") != "pytest.xfail":
                yield f"{case.get('classname')}::{case.get('name')}", skipped.get("message", "")


def complaints(report: ET.Element, allowed: str) -> list[str]:
    """What is wrong with a run, one line each; `allowed` is the only reason that a skip may give."""
    found = list(skips(report))
    ran = sum(1 for _ in report.iter("testcase")) - len(found)
    wrong = [f"{name} was skipped: {reason}" for name, reason in found if not allowed or reason != allowed]
    return wrong if ran else [*wrong, "no test ran"]


def main(arguments: list[str]) -> int:
    """Judge one report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--allow", default="", metavar="REASON")
    options = parser.parse_args(arguments)
    report = ET.parse(options.report).getroot()  # noqa: S314 - pytest wrote it a moment ago
    wrong = complaints(report, options.allow)
    for complaint in wrong:
        print(complaint)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
