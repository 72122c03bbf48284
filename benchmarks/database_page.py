"""The tables of `docs/explanation/performance.md`, between the two marks of the page, and its picture beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from database_aims import aims
from database_environments import ROWS, UNCHECKED
from database_picture import NAMES, picture
from database_samples import OPERATIONS, Cell, Results, cpu, rate
from marked_page import renew

BEGIN = "<!-- Made by `make bench-database`: do not edit from here ... -->"
END = "<!-- ... to here. -->"


def write_page(path: Path, results: Results) -> None:
    """Renew what the benchmark says on a page, and the picture.

    Raises:
        ValueError: the page has not the two marks.
    """
    image = path.with_suffix(".svg")
    renew(path, BEGIN, END, "\n".join(_measured(results, image.name)))
    image.write_text(picture(results), encoding="utf-8")


def _measured(results: Results, image: str) -> Iterator[str]:
    yield from [f"![Operations per second beside SQLAlchemy with pre-ping]({image})", ""]
    yield from [f"- {line}" for line in results.about]
    yield from ["", "### Round trips of one operation", "", *_round_trips(results), ""]
    yield from ["### The aims", "", *_aims(results), ""]
    for place in dict.fromkeys(cell.place for cell in results.cells):
        cells = [cell for cell in results.cells if cell.place == place]
        yield from [f"### {_title(place)}", "", "Operations per second, as a multiple of SQLAlchemy with pre-ping:", ""]
        yield from [*_table(results, cells, lambda row, cell: _spread(results, row, cell)), ""]
        yield from ["Milliseconds, p50 and p99:", "", *_table(results, cells, lambda *key: _times(results, *key)), ""]
        if place.endswith(" 0 ms"):
            yield from ["Microseconds of CPU, and as a multiple of SQLAlchemy without ping:", ""]
            yield from [*_table(results, cells, lambda *key: _cpu(results, *key)), ""]


def _title(place: str) -> str:
    database, _, delay = place.partition(" ")
    return f"{NAMES[database]}, in memory" if database == "sqlite" else f"{NAMES[database]}, {delay} away"


def _round_trips(results: Results) -> Iterator[str]:
    columns = list(dict.fromkeys((database, operation) for _, database, operation in results.round_trips))
    yield from _head(["", *(f"{NAMES[database]}: {OPERATIONS[operation]}" for database, operation in columns)])
    for row in results.rows:
        found = [results.round_trips.get((row, *column)) for column in columns]
        yield _line([ROWS[row].title, *("" if number is None else f"{number:g}" for number in found)])


def _aims(results: Results) -> Iterator[str]:
    yield from _head(["", "aim", "measured", ""])
    for aim in aims(results):
        yield _line([aim.what, aim.bound, aim.measured, "met" if aim.is_met else "**not met**"])


def _table(results: Results, cells: Sequence[Cell], show: Callable[[str, Cell], str]) -> Iterator[str]:
    yield from _head(["", *(f"{OPERATIONS[cell.operation]}, {cell.workers} at once" for cell in cells)])
    for row in results.rows:
        yield _line([ROWS[row].title, *(show(row, cell) if (row, cell) in results.samples else "" for cell in cells)])


def _spread(results: Results, row: str, cell: Cell) -> str:
    low, middle, high = results.ratios(row, cell, rate) or (0, 0, 0)
    return f"{low:.2f} / **{middle:.2f}** / {high:.2f}"


def _times(results: Results, row: str, cell: Cell) -> str:
    return f"{results.percentile(row, cell, 0.5):.1f}, {results.percentile(row, cell, 0.99):.1f}"


def _cpu(results: Results, row: str, cell: Cell) -> str:
    used = f"{results.median(row, cell, cpu):.0f}"
    ratios = results.ratios(row, cell, cpu, UNCHECKED)
    return f"{used}, {ratios[1]:.2f}" if ratios else used


def _head(cells: Sequence[str]) -> Iterator[str]:
    yield _line(cells)
    yield _line(["---"] * len(cells)).replace(" ", "")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
