"""Counters and histograms of our own, which the client of Prometheus reads when it is asked (ADR 37).

Its own objects take eight calls for a number, ours one: a unit of work tells of five.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any

from myfy_data.telemetry.numbers import BUCKETS, RECORDED, Attributes, Metric

_BOUNDS = (*(str(bound) for bound in BUCKETS), "+Inf")


class Total:
    """A number that grows; several event loops in threads may share it."""

    __slots__ = ("_lock", "value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value: float = 0.0

    def add(self, value: float) -> None:
        """Let it grow."""
        with self._lock:
            self.value += value


class Distribution:
    """How many values there were up to each bound of `BUCKETS`, and their sum; threads may share it."""

    __slots__ = ("_counts", "_lock", "_sum")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * len(_BOUNDS)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """Count a value where it belongs: a bound belongs to what is below it."""
        with self._lock:
            self._counts[bisect_left(BUCKETS, value)] += 1
            self._sum += value

    def read(self) -> tuple[list[tuple[str, float]], float]:
        """Each bound with the number of values up to it, and the sum, of one moment."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        return list(zip(_BOUNDS, map(float, accumulate(counts)), strict=True)), total


class OwnSeries:
    """Records numbers, and gives them to the client library when they are collected."""

    def __init__(self) -> None:
        self._totals: dict[str, dict[tuple[str, ...], Total]] = {}
        self._distributions: dict[str, dict[tuple[str, ...], Distribution]] = {}

    def series(self, metric: Metric, attributes: Attributes) -> Callable[[float], object]:
        """What adds to the series with these attributes; what is missing is empty."""
        labels = tuple(attributes.get(name, "") for name in metric.labels)
        if metric.kind == "counter":
            return self._totals.setdefault(metric.name, {}).setdefault(labels, Total()).add
        return self._distributions.setdefault(metric.name, {}).setdefault(labels, Distribution()).add

    def families(self, core: Any, named: Callable[[Metric], str]) -> Iterable[Any]:
        """Every number, as the client library takes it.

        Args:
            core: `prometheus_client.core`.
            named: gives a number's name.
        """
        for metric in RECORDED:
            family = empty_family(core, metric, named(metric))
            for of, total in list(self._totals.get(metric.name, {}).items()):
                family.add_metric(of, total.value)
            for of, distribution in list(self._distributions.get(metric.name, {}).items()):
                family.add_metric(of, *distribution.read())
            yield family


def empty_family(core: Any, metric: Metric, name: str) -> Any:
    """A number without its series, as the client library takes it.

    Args:
        core: `prometheus_client.core`.
        metric: the number.
        name: its name for Prometheus.
    """
    kinds = {"gauge": core.GaugeMetricFamily, "histogram": core.HistogramMetricFamily}
    kind = kinds.get(metric.kind, core.CounterMetricFamily)
    return kind(name, metric.description, labels=[label.replace(".", "_") for label in metric.labels])
