"""The part of a page that a benchmark writes, between two marks of the page."""

from __future__ import annotations

from pathlib import Path


def renew(path: Path, begin: str, end: str, text: str) -> None:
    """Put a text in the place of what stands between the marks.

    Raises:
        ValueError: the page has not the two marks.
    """
    before, mark, rest = path.read_text(encoding="utf-8").partition(begin)
    _, last, after = rest.partition(end)
    if not (mark and last):
        raise ValueError(f"{path}: the marks between which the tables stand are missing")
    path.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")
