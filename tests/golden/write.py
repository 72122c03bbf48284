"""Write the golden files anew, on purpose: `python -m tests.golden.write`; then read what `git diff` shows."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.golden.cases import CASES
from tests.golden.project import HERE, Case, Project, golden_file


def text_of(case: Case) -> str:
    """What is said about the case.

    Raises:
        ValueError: nothing is.
    """
    with tempfile.TemporaryDirectory() as folder:
        text = Project(Path(folder).resolve(), case).said()
        if not text:
            raise ValueError("this case loads")
        return text + "\n"


def main() -> None:
    """Write the text of each case, and delete texts that no case has."""
    for stale in set(HERE.glob("*.txt")) - {golden_file(name) for name in CASES}:
        stale.unlink()
    for name, case in CASES.items():
        try:
            text = text_of(case)
        except ValueError as error:
            raise SystemExit(f"{name}: {error}") from error
        golden_file(name).write_text(text, encoding="utf-8")
    print(f"wrote {len(CASES)} files")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
