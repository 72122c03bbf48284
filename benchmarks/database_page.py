"""The tables and the picture of `docs/explanation/performance.md`."""

from __future__ import annotations

from pathlib import Path

from database_samples import Results


def write_page(path: Path, results: Results) -> None:
    """Renew."""
