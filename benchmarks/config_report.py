"""The tables of `config_load.py`."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median

FORMATS = ("toml", "yaml")
EMPTY, PARSING, READING, FLOOR, OURS = "empty", "parsing", "reading", "floor", "ours"
ROWS = {
    EMPTY: "empty python",
    PARSING: "parser alone",
    READING: "our reading alone",
    FLOOR: "floor: parser + our models",
    OURS: "ours: load_settings",
    "pydantic_settings": "pydantic-settings, stock",
    "dynaconf": "Dynaconf (no types)",
    "omegaconf": "OmegaConf (no types)",
}
_PACKAGES = ("myfy-data", "pydantic", "pydantic-settings", "tomli", "PyYAML", "dynaconf", "omegaconf")

Key = tuple[str, str]
"""A row and a format."""


@dataclass(frozen=True)
class Sample:
    """One row in one repetition; seconds and bytes. The empty Python has its process only."""

    process: float
    load: float = 0
    imported: float = 0
    peak: int = 0
    added: int = 0


Samples = Mapping[Key, list[Sample]]
Measure = Callable[[Sample], float]


def _load(sample: Sample) -> float:
    return sample.load


def _process(sample: Sample) -> float:
    return sample.process


def load_table(samples: Samples, file_format: str) -> str:
    """Warm loads: the best of many in one process."""
    rows = [
        [
            ROWS[row],
            _typical(samples[row, file_format], _load, 1000),
            _ratio(samples, (row, file_format), (FLOOR, file_format), _load),
            _ratio(samples, (row, file_format), (OURS, file_format), _load),
        ]
        for row in _rows(samples, file_format)
    ]
    return _table(["warm load", "ms", "x floor", "x ours"], rows)


def process_table(samples: Samples, file_format: str) -> str:
    """Whole processes with one load each, and their memory."""
    rows = []
    for key in [(EMPTY, ""), *((row, file_format) for row in _rows(samples, file_format))]:
        if key in samples:
            against = [_ratio(samples, key, other, _process) for other in ((FLOOR, file_format), (OURS, file_format))]
            rows.append([ROWS[key[0]], _typical(samples[key], _process, 1000), *against, *_details(samples[key])])
    return _table(["whole process", "ms", "x floor", "x ours", "import ms", "peak MiB", "load adds MiB"], rows)


def _details(samples: list[Sample]) -> Iterator[str]:
    measures: list[tuple[Measure, float]] = [
        (lambda sample: sample.imported, 1000),
        (lambda sample: sample.peak, 1 / 1024**2),
        (lambda sample: sample.added, 1 / 1024**2),
    ]
    for measure, unit in measures:
        yield _typical(samples, measure, unit) if any(map(measure, samples)) else ""


def bounds(results: Mapping[int, Samples]) -> Iterator[str]:
    """The ratios that contract C3.13 bounds, as they were here."""
    wanted = (
        ("TOML load against the floor, at most 1.5", (OURS, "toml"), (FLOOR, "toml")),
        ("YAML load against the floor", (OURS, "yaml"), (FLOOR, "yaml")),
        ("YAML reading against CSafeLoader, at most 0.8", (READING, "yaml"), (PARSING, "yaml")),
    )
    for title, key, other in wanted:
        for profiles, samples in results.items():
            if key in samples and other in samples:
                yield f"{title}, {profiles} profiles: {_ratio(samples, key, other, _load)}"


def versions() -> str:
    """What was measured, on what."""
    found = [f"{platform.python_implementation()} {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} (not installed)")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"
    return ", ".join(found) + f"\n{machine}\nratios: min median max, each taken within one repetition"


def _rows(samples: Samples, file_format: str) -> list[str]:
    return [row for row in ROWS if (row, file_format) in samples]


def _typical(samples: list[Sample], measure: Measure, unit: float) -> str:
    return f"{median(map(measure, samples)) * unit:.2f}"


def _ratio(samples: Samples, key: Key, other: Key, measure: Measure) -> str:
    if key == other or other not in samples:
        return "1" if key == other else ""
    ratios = [measure(one) / measure(two) for one, two in zip(samples[key], samples[other], strict=True)]
    return "  ".join(f"{ratio:.2f}" for ratio in (min(ratios), median(ratios), max(ratios)))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join("  " + cell.rjust(width + 1) for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )
