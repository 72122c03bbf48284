"""OpenTelemetry in a process that was forked: it tells of itself alone, and so does its parent (contract C12.2)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.databases import SERVERS
from tests.sandbox import RUN_TIMEOUT, child_environment

FORKED = """
import asyncio, os, sys, threading
import opentelemetry.metrics, opentelemetry.trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from myfy_data import DatabaseSettings, DataModule, DataSettings

spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
tracers = TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
opentelemetry.trace.set_tracer_provider(tracers)
opentelemetry.metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
names = ("one", "two", "three")
data = DataModule(
    settings=DataSettings(default="one", profiles={n: DatabaseSettings(database_url=sys.argv[1]) for n in names})
)

async def work(profiles):
    for name in profiles:
        async with data.session(name) as session:
            await session.execute(text("SELECT 1"))

def told():
    found = [dict(span.attributes) for span in spans.get_finished_spans() if span.name == "SELECT"]
    names = sorted(each["db.client.connection.pool.name"] for each in found)
    spans.clear()
    counts = {}
    for resource in reader.get_metrics_data().resource_metrics:
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
            if metric.name == "db.client.connection.count":
                for point in metric.data.data_points:
                    name = point.attributes["db.client.connection.pool.name"]
                    counts[name] = counts.get(name, 0) + point.value
    return names, counts

def in_thread(coroutine):
    thread = threading.Thread(target=lambda: asyncio.run(coroutine))
    thread.start()
    thread.join()

async def main():
    async with data:
        await work(names)
        status = {n: data.pool_status(n) for n in names}
        print("parent", told(), {n: s.checked_in + s.checked_out for n, s in status.items()}, flush=True)
        child = os.fork()
        if child == 0:
            print("forked", told()[1])
            in_thread(work(names[:2]))
            print("child", told(), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        await work(names)
        print("after", told()[0])

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", SERVERS)
def test_a_forked_process_tells_of_itself_alone(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, url],
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        env=child_environment(),
        check=False,
    )

    every, pools = ["one", "three", "two"], {"one": 1, "two": 1, "three": 1}
    assert result.returncode == 0, result.stderr
    parent, forked, child, after = result.stdout.splitlines()
    assert forked == f"forked {dict.fromkeys(pools, 0)}"
    assert parent == f"parent {(every, pools)} {pools}"
    assert child == f"child {(['one', 'two'], {'one': 1, 'two': 1, 'three': 0})}"
    assert after == f"after {every}"
