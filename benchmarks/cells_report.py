"""What `cells.py` measured, as tables: a line for each cell, and where its calls go."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from cells_child import OURS, PLAIN, UNITS, Cell
from marked_page import renew

BEGIN = "<!-- Made by `make bench-cells`: do not edit from here ... -->"
END = "<!-- ... to here: `make bench-cells`. -->"

_NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}
_OPERATIONS = {"read": "read", "read_only": "read, read_only", "insert": "insert", "change": "change of two"}

_GROUPS = (
    ("ours: sessions", ("myfy_data.sessions", "myfy_data.module")),
    ("ours: the pool", ("myfy_data.engines.pool",)),
    ("ours: the connection", ("myfy_data",)),
    ("SQLAlchemy: the ORM", ("sqlalchemy.orm",)),
    ("SQLAlchemy: its asyncio", ("sqlalchemy.ext.asyncio", "sqlalchemy.util.concurrency")),
    ("SQLAlchemy: the pool", ("sqlalchemy.pool", "sqlalchemy.util.queue")),
    ("SQLAlchemy: the driver's adapter", ("sqlalchemy.dialects", "sqlalchemy.connectors")),
    ("SQLAlchemy: the rest", ("sqlalchemy",)),
    ("the driver", ("asyncpg", "aiomysql", "pymysql", "aiosqlite", "sqlite3")),
    ("the event loop", ("asyncio", "selectors")),
)  # fmt: skip
_ELSE = "the standard library"
_NOT_COUNTED = ("cells_child", "database_rows")


@dataclass(frozen=True)
class Costs:
    """What one unit of work of a row costs in a cell.

    Attributes:
        calls: Python functions by module and name.
        seconds: of the processor, in each round.
        instructions: None where they were not counted.
    """

    calls: Counter[str]
    seconds: Sequence[float]
    instructions: float | None

    @property
    def total(self) -> float:
        """All calls."""
        return sum(self.groups.values())

    @property
    def groups(self) -> Counter[str]:
        """Calls by where they go."""
        found: Counter[str] = Counter()
        for name, number in self.calls.items():
            module = name.partition(":")[0]
            if not _is_in(module, _NOT_COUNTED):
                found[next((group for group, places in _GROUPS if _is_in(module, places)), _ELSE)] += number
        return Counter({group: number / UNITS for group, number in found.items()})


def _is_in(module: str, places: Sequence[str]) -> bool:
    return any(module == place or module.startswith((f"{place}.", f"{place}_")) for place in places)


@dataclass(frozen=True)
class CellResults:
    """Everything, by cell and row."""

    cells: Mapping[Cell, Mapping[str, Costs]]

    @classmethod
    def build(
        cls,
        cells: Sequence[Cell],
        calls: Sequence[Mapping[str, Mapping[str, int]]],
        seconds: Sequence[Mapping[str, Sequence[float]]],
        instructions: Sequence[Mapping[str, int]],
    ) -> CellResults:
        """Of what the processes said, each in the order of the cells."""
        found = {}
        for at, cell in enumerate(cells):
            found[tuple(cell)] = {
                row: Costs(
                    Counter(calls[at][row]),
                    [each / UNITS for each in seconds[at][row]],
                    instructions[at][row] / UNITS if instructions else None,
                )
                for row in (OURS, PLAIN)
            }
        return cls(found)


def report(results: CellResults, *, functions: int = 0) -> str:
    """All tables, in Markdown."""
    lines = [*_about(), "", *_table(results), "", *_where(results)]
    if functions:
        lines += _functions(results, functions)
    return "\n".join(lines)


def write_page(path: Path, results: CellResults) -> None:
    """Renew the tables of a page.

    Raises:
        ValueError: the page has not the two marks.
    """
    renew(path, BEGIN, END, f"{report(results)}\n")


def _about() -> Iterator[str]:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    packages = ("SQLAlchemy", "asyncpg", "aiomysql", "aiosqlite")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    yield f"- {machine}; {versions}; load average {os.getloadavg()[0]:.1f}"


def _table(results: CellResults) -> Iterator[str]:
    three = "ours | plain | ratio"
    yield f"| cell | calls: {three} | instructions, thousands: {three} | CPU, µs: {three} |"
    yield f"|{'---|' * 10}"
    for cell, rows in results.cells.items():
        ours, plain = rows[OURS], rows[PLAIN]
        counts = _numbers(ours.total, plain.total)
        if ours.instructions is None or plain.instructions is None:
            counts += ["", "", ""]
        else:
            counts += _numbers(ours.instructions / 1000, plain.instructions / 1000)
        ratios = [mine / its for mine, its in zip(ours.seconds, plain.seconds, strict=True)]
        cpu = [f"{median(row.seconds) * 1e6:.0f}" for row in (ours, plain)]
        yield f"| {_title(cell)} | {' | '.join([*counts, *cpu, f'{median(ratios):.2f}'])} |"


def _numbers(ours: float, plain: float) -> list[str]:
    return [f"{ours:.0f}", f"{plain:.0f}", f"**{ours / plain:.2f}**"]


def _title(cell: Cell) -> str:
    database, operation, workers = cell
    return f"{_NAMES[database]}, {_OPERATIONS[operation]}, {workers} at once"


def _where(results: CellResults) -> Iterator[str]:
    names = [*(name for name, _ in _GROUPS), _ELSE]
    for database in dict.fromkeys(cell[0] for cell in results.cells):
        cells = [cell for cell in results.cells if cell[0] == database]
        yield f"Where the calls go on {_NAMES[database]}, ours and plain's:"
        yield ""
        yield f"| | {' | '.join(f'{_OPERATIONS[cell[1]]}, {cell[2]}' for cell in cells)} |"
        yield f"|{'---|' * (1 + len(cells))}"
        for name in names:
            pairs = [tuple(results.cells[cell][row].groups[name] for row in (OURS, PLAIN)) for cell in cells]
            if any(map(any, pairs)):
                yield f"| {name} | {' | '.join(f'{ours:.0f}, {plain:.0f}' for ours, plain in pairs)} |"
        yield ""


def _functions(results: CellResults, number: int) -> Iterator[str]:
    for cell, rows in results.cells.items():
        yield f"{_title(cell)}: calls of one unit, ours and plain's"
        both = rows[OURS].calls | rows[PLAIN].calls
        for name, _ in both.most_common(number):
            yield f"{rows[OURS].calls[name] / UNITS:8.1f} {rows[PLAIN].calls[name] / UNITS:8.1f}  {name}"
        yield ""
