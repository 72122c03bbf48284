"""The tables of `database.py` on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from database_aims import aims, spread
from database_environments import ROWS, UNCHECKED
from database_samples import Cell, Results, cpu, rate


def report(results: Results) -> str:
    """Everything."""
    tables = [_aligned(_cell(results, cell)) for cell in results.cells]
    return "\n\n".join(["\n".join(results.about), _aligned(_round_trips(results)), *tables, _aligned(_aims(results))])


def _round_trips(results: Results) -> list[list[str]]:
    columns = list(dict.fromkeys((database, operation) for _, database, operation in results.round_trips))
    lines = [["round trips", *(f"{database} {operation}" for database, operation in columns)]]
    for row in results.rows:
        found = [results.round_trips.get((row, *column)) for column in columns]
        lines.append([ROWS[row].title, *("" if number is None else f"{number:g}" for number in found)])
    return lines


def _cell(results: Results, cell: Cell) -> list[list[str]]:
    lines = [[str(cell), "ops/s", "x pre-ping: min median max", "p50 ms", "p99 ms", "CPU us", "x no ping"]]
    for row in results.rows:
        if (row, cell) in results.samples:
            used = results.ratios(row, cell, cpu, UNCHECKED)
            lines.append(
                [
                    ROWS[row].title,
                    f"{results.median(row, cell, rate):.0f}",
                    spread(results.ratios(row, cell, rate)),
                    f"{results.percentile(row, cell, 0.5):.2f}",
                    f"{results.percentile(row, cell, 0.99):.2f}",
                    f"{results.median(row, cell, cpu):.0f}",
                    spread(used),
                ]
            )
    return lines


def _aims(results: Results) -> list[list[str]]:
    lines = [["aims", "bound", "measured", ""]]
    return lines + [[aim.what, aim.bound, aim.measured, "met" if aim.is_met else "NOT MET"] for aim in aims(results)]


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )
