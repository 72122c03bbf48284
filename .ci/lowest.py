"""Print the lowest version that pyproject.toml declares for each package that users get, as pip constraints.

Usage: `python .ci/lowest.py pyproject.toml`. The tools of the extra `dev` stay free: users do not install them.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

NOT_FOR_USERS = {"dev", "all"}  # `all` only repeats the others


def declared(project: dict[str, Any]) -> Iterator[Requirement]:
    """Everything that the core and the extras for users require."""
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"]]
    texts += [text for name, extra in extras.items() if name not in NOT_FOR_USERS for text in extra]
    for text in texts:
        yield Requirement(text)


def lowest(requirement: Requirement) -> str:
    """One line for pip's `--constraint`.

    Raises:
        ValueError: the requirement has no lower bound.
    """
    bounds = [clause.version for clause in requirement.specifier if clause.operator in (">=", "==", "~=")]
    if not bounds:
        raise ValueError(f"{requirement.name} has no lower bound")
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}=={bounds[0]}{marker}"


def main(arguments: list[str]) -> int:
    """Print the constraints of one pyproject.toml."""
    project = tomllib.loads(Path(arguments[0]).read_text(encoding="utf-8"))["project"]
    for requirement in declared(project):
        print(lowest(requirement))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
