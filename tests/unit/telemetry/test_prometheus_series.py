"""Numbers of our own for Prometheus are those that its client library would tell (contract C12.2)."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, core, generate_latest

from myfy_data.telemetry.numbers import BUCKETS, ERROR_TYPE, POOL_NAME, RECORDED, UNITS, WAIT_TIME, Metric
from myfy_data.telemetry.prometheus import metric_name
from myfy_data.telemetry.prometheus_series import OwnSeries
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment

VALUES = (0.0, 0.0005, *BUCKETS, 0.3, 99.0)


class Collected:
    """A collector of our series."""

    def __init__(self, series: OwnSeries) -> None:
        self._series = series

    def collect(self) -> Any:
        return self._series.families(core, metric_name)


def samples(registry: CollectorRegistry) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample but the moments at which the client's series began."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def of_the_client(metric: Metric, registry: CollectorRegistry) -> Any:
    labels = [name.replace(".", "_") for name in metric.labels]
    if metric.kind == "counter":
        return Counter(metric_name(metric), metric.description, labels, registry=registry)
    return Histogram(metric_name(metric), metric.description, labels, registry=registry, buckets=BUCKETS)


def test_they_are_what_the_client_would_have_counted() -> None:
    own, ours, theirs = OwnSeries(), CollectorRegistry(), CollectorRegistry()
    ours.register(Collected(own))
    for metric in RECORDED:
        attributes = {name: f"a {name}" for name in metric.labels if name != ERROR_TYPE}
        same = of_the_client(metric, theirs).labels(*(attributes.get(name, "") for name in metric.labels))
        for value in VALUES:
            own.series(metric, attributes)(value)
            (same.inc if metric.kind == "counter" else same.observe)(value)

    assert samples(ours) == samples(theirs)
    assert generate_latest(ours).count(b"# TYPE") >= len(RECORDED)


def test_none_says_when_it_began() -> None:
    own, registry = OwnSeries(), CollectorRegistry()
    registry.register(Collected(own))
    for metric in RECORDED:
        own.series(metric, {})(1)

    names = {sample.name for family in registry.collect() for sample in family.samples}
    assert {"myfy_data_unit_of_work_total", "db_client_connection_wait_time_seconds_count"} <= names
    assert [name for name in names if name.endswith("_created")] == []


def test_threads_lose_none() -> None:
    own, every = OwnSeries(), sys.getswitchinterval()
    adds = [own.series(metric, {POOL_NAME: "main"}) for metric in (WAIT_TIME, UNITS)]

    def work() -> None:
        for _ in range(2000):
            for add in adds:
                add(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(every)

    registry = CollectorRegistry()
    registry.register(Collected(own))
    found = {name: value for (name, _), value in samples(registry).items()}
    assert found["db_client_connection_wait_time_seconds_count"] == 8000
    assert found["db_client_connection_wait_time_seconds_sum"] == 8000
    assert found["myfy_data_unit_of_work_total"] == 8000


SHARED = """
import asyncio, sys
from prometheus_client import CollectorRegistry, multiprocess
from sqlalchemy import text
from myfy_data import DataModule, DatabaseSettings

async def main():
    data = DataModule(settings=DatabaseSettings(database_url="sqlite:///app.db"))
    _ = data.telemetry.prometheus
    async with data, data.session() as session:
        await session.execute(text("SELECT 1"))

asyncio.run(main())
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
labels = {"db_client_connection_pool_name": "default", "outcome": "commit"}
print(registry.get_sample_value("myfy_data_unit_of_work_total", labels))
"""


def test_several_processes_at_one_port_share_the_clients_files(project: Sandbox) -> None:
    shared = project.path / "shared"
    shared.mkdir()
    environ = child_environment() | {"PROMETHEUS_MULTIPROC_DIR": str(shared)}
    told = [
        subprocess.run(
            [sys.executable, "-c", SHARED],
            cwd=project.path,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            timeout=RUN_TIMEOUT,
            check=True,
        ).stdout
        for _ in range(2)
    ]

    assert told == ["1.0\n", "2.0\n"]
