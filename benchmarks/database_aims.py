"""The aims of `database.py`, beside what was measured. Nothing passes or fails by them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from database_environments import BASE, OURS, ROWS, UNCHECKED
from database_samples import Cell, Results, cpu, rate

MOST_CPU = 1.05
FASTER = {
    Cell("postgresql 0.5 ms", "read", 1): 4.0,
    Cell("postgresql 0.5 ms", "read", 32): 1.9,
    Cell("postgresql 0.5 ms", "insert", 1): 1.8,
    Cell("mariadb 0.5 ms", "read", 1): 1.6,
    Cell("mariadb 0.5 ms", "insert", 1): 1.6,
    Cell("sqlite 0 ms", "read", 1): 1.2,
    Cell("sqlite 0 ms", "insert", 1): 1.2,
}
"""How many times as fast as plain SQLAlchemy with pre-ping, at least."""


@dataclass(frozen=True)
class Aim:
    """One aim.

    Attributes:
        what: what is compared.
        bound: what was aimed at.
        measured: what came of it: minimum, median and maximum of the repetitions, and the best ones beside each other.
        is_met: whether the median is within the bound.
    """

    what: str
    bound: str
    measured: str
    is_met: bool


def aims(results: Results) -> list[Aim]:
    """Every aim that was measured."""
    return [*_speed(results), *_cpu(results), *_p99(results)]


def _speed(results: Results) -> Iterator[Aim]:
    for cell, bound in FASTER.items():
        if found := results.ratios(OURS, cell, rate):
            what = f"{cell}: operations per second against {ROWS[BASE].title}"
            measured = f"{spread(found)}, best {results.best(OURS, cell):.2f}"
            yield Aim(what, f"at least {bound:g}", measured, found[1] >= bound)


def _cpu(results: Results) -> Iterator[Aim]:
    for cell in results.cells:
        if cell.place.endswith(" 0 ms") and (found := results.ratios(OURS, cell, cpu, UNCHECKED)):
            what = f"{cell}: CPU for an operation against {ROWS[UNCHECKED].title}"
            least = [min(cpu(one) for one in results.samples[row, cell]) for row in (OURS, UNCHECKED)]
            measured = f"{spread(found)}, least {least[0] / least[1]:.2f}"
            yield Aim(what, f"at most {MOST_CPU:g}", measured, found[1] <= MOST_CPU)


def _p99(results: Results) -> Iterator[Aim]:
    for cell in results.cells:
        peers = [row for row in results.rows if not row.startswith(OURS) and row != "raw"]
        measured = [row for row in peers if (row, cell) in results.samples]
        if cell.workers > 1 and measured and (OURS, cell) in results.samples:
            best = min(measured, key=lambda row: results.percentile(row, cell, 0.99))
            ratio = results.percentile(OURS, cell, 0.99) / results.percentile(best, cell, 0.99)
            yield Aim(f"{cell}: p99 against the best ({ROWS[best].title})", "at most 1", f"{ratio:.2f}", ratio <= 1)


def spread(ratios: tuple[float, float, float] | None) -> str:
    """Minimum, median and maximum."""
    return " / ".join(f"{ratio:.2f}" for ratio in ratios) if ratios else ""
