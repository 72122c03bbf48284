"""Pieces of Markdown for pages that tools make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def heading(columns: str) -> Iterator[str]:
    """The first two lines of a table."""
    names = columns.split(" | ")
    yield row(names)
    yield row(["---"] * len(names))


def row(cells: Iterable[object]) -> str:
    """One line of a table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def listed(lines: Iterable[str]) -> list[str]:
    """A list."""
    return [f"- {line}" for line in lines]
