"""The same numbers for Prometheus (contract C12.2; ADR 37): `.` is `_`, seconds and totals are said in the name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from myfy_data.errors import MissingPackageError
from myfy_data.telemetry.numbers import (
    ANSWERS,
    BUCKETS,
    CREDENTIALS,
    LOOKED_UP,
    METRICS,
    NAMESPACE,
    OPERATION_DURATION,
    OPERATION_NAME,
    OUTCOME,
    OUTCOMES,
    POOL_NAME,
    RECORDED,
    RELOAD_OUTCOMES,
    RELOADS,
    RETRIES,
    SYSTEM_NAME,
    UNITS,
    VERDICT,
    VERDICTS,
    Attributes,
    DatabaseFacts,
    Metric,
    NumbersObserver,
    Sink,
)
from myfy_data.telemetry.pool_numbers import PoolNumbers
from myfy_data.telemetry.prometheus_series import OwnSeries, empty_family

FIRST_OPERATIONS = ("SELECT", "INSERT", "UPDATE", "DELETE", "COMMIT", "ROLLBACK")
"""Series that are there before the first statement, so that a rate has something to begin with."""


_SEVERAL_PROCESSES = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
"""Variables by which the client library keeps its own objects in files that the processes of one port share."""


def load_prometheus() -> Any:
    """The client library.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        import prometheus_client  # noqa: PLC0415 - an extra
        import prometheus_client.core  # noqa: PLC0415 - as above
    except ImportError as error:
        message = "metrics for Prometheus need the package prometheus-client"
        install = 'pip install "myfy-data[prometheus]"'
        raise MissingPackageError(message, package="prometheus_client", install=install) from error
    return prometheus_client


def metric_name(metric: Metric) -> str:
    """The name without `_total`, which the library adds."""
    name = metric.name.replace(".", "_")
    return f"{name}_seconds" if metric.unit == "s" else name


class PrometheusNumbers:
    """A module's numbers as a registry of the client library.

    Args:
        facts: tells of a profile's database.
        pools: the pools, asked at each scrape.

    Attributes:
        registry: what is scraped; another registry can collect it.
        observer: what listens to engines.
    """

    def __init__(self, facts: Callable[[str], DatabaseFacts], pools: PoolNumbers) -> None:
        client = load_prometheus()
        self._client = client
        self.registry: Any = client.CollectorRegistry(auto_describe=False)
        self._own = OwnSeries()
        is_shared = any(name in os.environ for name in _SEVERAL_PROCESSES)
        self._sink: Sink = _ClientSink(client, self.registry) if is_shared else self._own
        self._pools = pools
        self.registry.register(self)
        self.observer: NumbersObserver = NumbersObserver(facts, self._sink)
        self.begin_series(facts)

    def begin_series(self, facts: Callable[[str], DatabaseFacts]) -> None:
        """Have the series of every profile that may be opened there before its first statement."""
        for profile in self._pools.profiles():
            about = facts(profile)
            series: dict[Metric, Iterable[Attributes]] = {metric: [{}] for metric in RECORDED}
            series[UNITS] = [{OUTCOME: outcome} for outcome in OUTCOMES]
            series[RELOADS] = [{OUTCOME: outcome} for outcome in RELOAD_OUTCOMES]
            series[CREDENTIALS] = [{OUTCOME: answer} for answer in ANSWERS]
            series[RETRIES] = [{VERDICT: verdict} for verdict in VERDICTS]
            series[OPERATION_DURATION] = [
                {SYSTEM_NAME: about.system, NAMESPACE: about.namespace, OPERATION_NAME: name}
                for name in FIRST_OPERATIONS
            ]
            for metric, every in series.items():
                for attributes in every:
                    self._sink.series(metric, {POOL_NAME: profile, **attributes})

    def collect(self) -> Iterable[Any]:
        """The numbers; called by the registry."""
        core = self._client.core
        if self._sink is self._own:
            yield from self._own.families(core, metric_name)
        for metric in LOOKED_UP:
            family = empty_family(core, metric, metric_name(metric))
            for value, attributes in self._pools.of(metric):
                family.add_metric([attributes[name] for name in metric.labels], value)
            yield family

    def describe(self) -> Iterable[object]:
        """The numbers without their series: by their names the registry finds who has them for a part of a scrape."""
        ours = METRICS if self._sink is self._own else LOOKED_UP
        return [empty_family(self._client.core, metric, metric_name(metric)) for metric in ours]

    def exposition(self) -> tuple[bytes, str]:
        """What a scrape is answered, and its content type."""
        return self._client.generate_latest(self.registry), self._client.CONTENT_TYPE_LATEST


class _ClientSink:
    """Records numbers by the client library's own objects, for several processes at one port."""

    def __init__(self, client: object, registry: object) -> None:
        self._metrics: dict[str, Any] = {metric.name: _made(client, registry, metric) for metric in RECORDED}

    def series(self, metric: Metric, attributes: Attributes) -> Callable[[float], object]:
        """What adds to the series with these attributes; what is missing is empty."""
        labels = [attributes.get(name, "") for name in metric.labels]
        series = self._metrics[metric.name].labels(*labels)
        add: Callable[[float], object] = series.inc if metric.kind == "counter" else series.observe
        return add


def _made(client: Any, registry: Any, metric: Metric) -> object:
    labels = [_label(name) for name in metric.labels]
    name = metric_name(metric)
    if metric.kind == "counter":
        return client.Counter(name, metric.description, labels, registry=registry)
    return client.Histogram(name, metric.description, labels, registry=registry, buckets=BUCKETS)


def _label(name: str) -> str:
    return name.replace(".", "_")
