"""What `database.py` measured, and the numbers that are made of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from database_environments import BASE

OPERATIONS = {"read": "read", "insert": "insert + commit", "change": "read two, change both"}


@dataclass(frozen=True)
class Cell:
    """What the rows are compared at.

    Attributes:
        place: a database and its delay.
        operation: one of `OPERATIONS`.
        workers: how many units of work are under way at once.
    """

    place: str
    operation: str
    workers: int

    def __str__(self) -> str:
        return f"{self.place}, {OPERATIONS[self.operation]}, {self.workers} at once"


@dataclass(frozen=True)
class Sample:
    """One slot: operations per second, microseconds of CPU for each, microseconds that each took."""

    rate: float
    cpu: float
    latencies: list[int]


Measure = Callable[[Sample], float]


@dataclass
class Results:
    """Everything that was measured.

    Attributes:
        about: the machine and the versions, a line each.
        samples: by row and cell, one for each repetition.
        round_trips: by row, database and operation.
    """

    about: list[str] = field(default_factory=list)
    samples: dict[tuple[str, Cell], list[Sample]] = field(default_factory=dict)
    round_trips: dict[tuple[str, str, str], float] = field(default_factory=dict)

    @property
    def rows(self) -> list[str]:
        """The rows that were measured."""
        return list(dict.fromkeys(row for row, _ in self.samples))

    @property
    def cells(self) -> list[Cell]:
        """The cells that were measured."""
        return list(dict.fromkeys(cell for _, cell in self.samples))

    def ratios(self, row: str, cell: Cell, measure: Measure, base: str = BASE) -> tuple[float, float, float] | None:
        """Minimum, median and maximum over the repetitions; each ratio is taken within one."""
        pairs = zip(self.samples.get((row, cell), []), self.samples.get((base, cell), []), strict=False)
        found = [measure(own) / measure(other) for own, other in pairs]
        return (min(found), median(found), max(found)) if found else None

    def best(self, row: str, cell: Cell, base: str = BASE) -> float:
        """The fastest repetitions of both beside each other: what is left when other work only ever slows down."""
        fastest = [max(sample.rate for sample in self.samples[one, cell]) for one in (row, base)]
        return fastest[0] / fastest[1]

    def median(self, row: str, cell: Cell, measure: Measure) -> float:
        """The median over the repetitions."""
        return median(measure(sample) for sample in self.samples[row, cell])

    def percentile(self, row: str, cell: Cell, share: float) -> float:
        """How many milliseconds this share of all operations took at most, all repetitions together."""
        together = sorted(one for sample in self.samples[row, cell] for one in sample.latencies)
        return together[min(int(len(together) * share), len(together) - 1)] / 1000

    def save(self, path: Path) -> None:
        """Write everything down (JSON)."""
        samples = [
            [row, asdict(cell), [asdict(sample) for sample in found]] for (row, cell), found in self.samples.items()
        ]
        trips = [[*key, number] for key, number in self.round_trips.items()]
        path.write_text(json.dumps({"about": self.about, "samples": samples, "round_trips": trips}), encoding="utf-8")


def load(path: Path) -> Results:
    """What `save` wrote."""
    said = json.loads(path.read_text(encoding="utf-8"))
    samples = {(row, Cell(**cell)): [Sample(**sample) for sample in found] for row, cell, found in said["samples"]}
    trips = {(row, database, operation): number for row, database, operation, number in said["round_trips"]}
    return Results(said["about"], samples, trips)


def rate(sample: Sample) -> float:
    """Operations per second."""
    return sample.rate


def cpu(sample: Sample) -> float:
    """Microseconds of CPU for an operation."""
    return sample.cpu
