"""Fail when a built wheel lacks a package, or carries what belongs to others.

Usage: `python .ci/check_wheel.py WHEEL`.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterable, Iterator

NEEDED = (
    "myfy_data/__init__.py",
    "myfy_data/py.typed",
    "myfy/data/__init__.py",
    "myfy_data/cli/new_project/myfy.toml",
    "myfy_data/skill/SKILL.md",
)
OURS = ("myfy_data/", "myfy/data/", "myfy_data-")


def complaints(names: Iterable[str]) -> Iterator[str]:
    """What is wrong with the files of a wheel, one line each."""
    present = set(names)
    for name in NEEDED:
        if name not in present:
            yield f"{name} is missing"
    for name in sorted(present):
        # A myfy/__init__.py would be such a file: the namespace is shared with myfy-core.
        if not name.startswith(OURS):
            yield f"{name} does not belong in the wheel"


def main(arguments: list[str]) -> int:
    """Judge one wheel."""
    with zipfile.ZipFile(arguments[0]) as wheel:
        wrong = list(complaints(wheel.namelist()))
    for complaint in wrong:
        print(complaint)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
