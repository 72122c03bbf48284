"""The tables of `hosts.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from hosts_load import Row, Sample

Samples = Mapping[tuple[Row, str], list[Sample]]
"""By row and operation, one for each round."""


def table(samples: Samples, rows: Sequence[Row], operation: str) -> str:
    """One operation on one host: what each library does beside plain SQLAlchemy."""
    lines = [
        [f"{rows[0].host}, {operation}", "requests/s", "x plain", "best", "CPU us/request", "x plain", "best", "p99 ms"]
    ]
    plain = samples.get((Row(rows[0].host, "plain", ping=True), operation))
    measured = [row for row in rows if (row, operation) in samples]
    lines += [[str(row), *_cells(samples[row, operation], plain)] for row in measured]
    return aligned(lines)


def _cells(own: Sequence[Sample], plain: Sequence[Sample] | None) -> list[str]:
    return [
        f"{median(one.rate for one in own):.0f}",
        _ratios(own, plain, lambda one: one.rate),
        _best(own, plain, lambda samples: max(one.rate for one in samples)),
        f"{median(one.cpu for one in own):.0f}",
        _ratios(own, plain, lambda one: one.cpu),
        _best(own, plain, lambda samples: min(one.cpu for one in samples)),
        f"{median(one.p99 for one in own):.0f}",
    ]


def _ratios(own: Sequence[Sample], plain: Sequence[Sample] | None, measure: Callable[[Sample], float]) -> str:
    """Minimum, median and maximum over the rounds; each ratio is taken within one."""
    if own is plain or plain is None:
        return "1" if own is plain else ""
    ratios = [measure(one) / measure(two) for one, two in zip(own, plain, strict=False)]
    return "  ".join(f"{ratio:.2f}" for ratio in (min(ratios), median(ratios), max(ratios)))


def _best(own: Sequence[Sample], plain: Sequence[Sample] | None, choose: Callable[[Sequence[Sample]], float]) -> str:
    """The best rounds of both beside each other: what is left when other work on the machine only ever slows down."""
    return f"{choose(own) / choose(plain):.2f}" if plain else ""


def bounds(samples: Samples, operations: Sequence[str]) -> list[str]:
    """The bound of requests per second, as it was here: ours against plain SQLAlchemy in the same host."""
    lines = []
    for host in dict.fromkeys(row.host for row, _ in samples):
        for operation in operations:
            ours = samples.get((Row(host, "ours", ping=True), operation))
            for ping in (True, False):
                plain = samples.get((Row(host, "plain", ping=ping), operation))
                if ours and plain:
                    beside = "" if ping else " without ping"
                    what = f"{host}, {operation}: ours against plain{beside}, at least 0.97"
                    best = _best(ours, plain, lambda samples: max(one.rate for one in samples))
                    lines.append(f"{what}: {_ratios(ours, plain, lambda one: one.rate)}  best {best}")
    return lines


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as columns."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )
