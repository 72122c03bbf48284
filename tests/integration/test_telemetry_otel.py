"""OpenTelemetry: one span for each operation, numbers that agree, and no literal (contract C12.2)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import opentelemetry.metrics
import opentelemetry.trace
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import db_attributes as incubating
from opentelemetry.semconv._incubating.metrics import db_metrics as pool_metrics
from opentelemetry.semconv.attributes import db_attributes, error_attributes
from opentelemetry.semconv.metrics import db_metrics
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from myfy_data import DataModule, DataSettings
from myfy_data.telemetry import numbers, otel
from tests.databases import PERSISTENT, SERVERS, Database
from tests.observing import Notes

CANARY = "canary7531"

persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)
servers = pytest.mark.parametrize("database", SERVERS, indirect=True)


class Exported:
    """What was exported."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider(metric_readers=[self._reader])

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """Every span that has ended."""
        return self._spans.get_finished_spans()

    def points(self, name: str) -> list[Any]:
        """The series of a metric as they are now."""
        data = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    @property
    def everything(self) -> str:
        """All of it as text."""
        return "\n".join([*(span.to_json() for span in self.spans), str(self._reader.get_metrics_data())])


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exported]:
    """A process that has set providers, for the length of a test."""
    exported = Exported()
    monkeypatch.setattr(opentelemetry.trace, "get_tracer_provider", lambda: exported.tracers)
    monkeypatch.setattr(opentelemetry.metrics, "get_meter_provider", lambda: exported.meters)
    yield exported
    exported.tracers.shutdown()
    exported.meters.shutdown()


def by_profile(points: list[Any]) -> dict[str, Any]:
    return {point.attributes[numbers.POOL_NAME]: point for point in points}


@persistent
async def test_each_operation_is_one_span(database: Database, exported: Exported) -> None:
    async with database.module() as data, data.session() as session:
        await session.execute(insert(database.notes).values(text="a"))
        await session.execute(select(database.notes).where(database.notes.c.text == CANARY))

    assert [span.name for span in exported.spans] == [
        f"INSERT {database.notes.name}",
        f"SELECT {database.notes.name}",
        "COMMIT",
    ]
    span = exported.spans[0]
    assert span.kind is opentelemetry.trace.SpanKind.CLIENT
    told = dict(span.attributes or {})
    assert told[numbers.POOL_NAME] == "main"
    assert told[numbers.SYSTEM_NAME] in (database.kind, "mariadb")
    assert told[numbers.OPERATION_NAME] == "INSERT"
    assert "/" not in str(told[numbers.NAMESPACE])
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.start_time <= span.end_time


@persistent
async def test_a_span_stands_below_the_applications(database: Database, exported: Exported) -> None:
    async with database.module() as data:
        with exported.tracers.get_tracer("app").start_as_current_span("request") as request:
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))

    database_spans = [span for span in exported.spans if span.name != "request"]
    assert len(database_spans) == 2
    assert all(span.parent is not None for span in database_spans)
    assert {span.parent.span_id for span in database_spans if span.parent} == {request.get_span_context().span_id}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_stands_below_a_span_that_is_left_out_is_left_out(database: Database, exported: Exported) -> None:
    asked: list[str] = []

    class Asked(sampling.Sampler):
        def should_sample(self, *arguments: Any, **options: Any) -> sampling.SamplingResult:
            asked.append(str(options.get("name") or arguments[2]))
            is_request = asked[-1] == "request"
            return sampling.SamplingResult(
                sampling.Decision.DROP if is_request else sampling.Decision.RECORD_AND_SAMPLE
            )

        def get_description(self) -> str:
            return "leaves out requests"

    exported.tracers.sampler = Asked()
    async with database.module() as data:
        with exported.tracers.get_tracer("app").start_as_current_span("request"):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))

        assert (asked, exported.spans) == (["request"], ())
        async with data.session() as session:
            await session.execute(insert(database.notes).values(text="b"))

    assert [span.name for span in exported.spans] == [f"INSERT {database.notes.name}", "COMMIT"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_task_that_outlives_its_request_is_told_below_it(database: Database, exported: Exported) -> None:
    answered = asyncio.Event()
    async with database.module() as data:

        async def store_later() -> None:
            await answered.wait()
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))

        with exported.tracers.get_tracer("app").start_as_current_span("request") as request:
            later = asyncio.create_task(store_later())
        assert not request.is_recording()
        answered.set()
        await later

    above = {span.name: span.parent.span_id if span.parent else None for span in exported.spans}
    here = request.get_span_context().span_id
    assert above == {"request": None, f"INSERT {database.notes.name}": here, "COMMIT": here}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("decision", [sampling.Decision.RECORD_ONLY, sampling.Decision.RECORD_AND_SAMPLE])
async def test_what_stands_below_a_span_that_is_recorded_is_for_the_sampler_to_say(
    database: Database, exported: Exported, decision: sampling.Decision
) -> None:
    recorded: list[str] = []

    class Recorded(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            recorded.append(span.name)

    exported.tracers.sampler = sampling.StaticSampler(decision)
    exported.tracers.add_span_processor(Recorded())
    async with database.module() as data:
        with exported.tracers.get_tracer("app").start_as_current_span("request") as request:
            pass
        with opentelemetry.trace.use_span(request):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))

    assert recorded == ["request", f"INSERT {database.notes.name}", "COMMIT"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_below_what_only_stands_for_a_sampled_span_there_are_spans(
    database: Database, exported: Exported
) -> None:
    with exported.tracers.get_tracer("app").start_as_current_span("request") as request:
        stands_for_it = opentelemetry.trace.NonRecordingSpan(request.get_span_context())
    async with database.module() as data:
        with opentelemetry.trace.use_span(stands_for_it):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))

    assert [span.name for span in exported.spans] == ["request", f"INSERT {database.notes.name}", "COMMIT"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_another_process_has_left_out_is_for_the_sampler_to_say(
    database: Database, exported: Exported
) -> None:
    remote = opentelemetry.trace.SpanContext(trace_id=7, span_id=7, is_remote=True)
    exported.tracers.sampler = sampling.ALWAYS_ON
    async with database.module() as data:
        with opentelemetry.trace.use_span(opentelemetry.trace.NonRecordingSpan(remote)):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))

    assert [span.name for span in exported.spans] == [f"INSERT {database.notes.name}", "COMMIT"]


@persistent
async def test_a_failure_is_told_by_class_and_code_alone(database: Database, exported: Exported) -> None:
    async with database.module() as data:
        with pytest.raises(DBAPIError):
            async with data.session() as session:
                await session.execute(text(f"SELECT * FROM nowhere WHERE a = '{CANARY}'"))

    [span] = [span for span in exported.spans if span.name == "SELECT nowhere"]
    told = dict(span.attributes or {})
    assert told[otel.STATUS_CODE] == {"postgresql": "42P01", "mysql": "1146", "sqlite": "SQLITE_ERROR"}[database.kind]
    assert numbers.ERROR_TYPE in told
    assert not span.status.is_ok
    assert span.status.description is None
    assert span.events == ()


@persistent
async def test_the_canary_is_in_no_span_and_no_metric(database: Database, exported: Exported) -> None:
    async with database.module() as data:
        async with data.session() as session:
            await session.execute(insert(database.notes), [{"text": CANARY}, {"text": f"{CANARY}2"}])
            await session.execute(text(f"SELECT '{CANARY}' /* {CANARY} */"))
            await session.execute(select(database.notes).where(database.notes.c.text == CANARY))
        with pytest.raises(DBAPIError):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text=CANARY))

    everything = exported.everything
    assert f"INSERT {database.notes.name}" in everything
    assert numbers.OPERATION_DURATION.name in everything
    assert CANARY not in everything


@servers
async def test_the_numbers_of_the_pool_agree_with_its_status(database: Database, exported: Exported) -> None:
    async with database.module(pool_size=2, max_overflow=1) as data, data.session() as session:
        await session.execute(select(1))
        states = {point.attributes[numbers.STATE]: point.value for point in exported.points(numbers.COUNT.name)}
        status = data.pool_status()
        assert states == {"used": status.checked_out, "idle": status.checked_in}
        assert by_profile(exported.points(numbers.MAX.name))["main"].value == 3
        assert by_profile(exported.points(numbers.IDLE_MAX.name))["main"].value == 2
        assert by_profile(exported.points(numbers.PENDING.name))["main"].value == 0


@servers
async def test_waiting_is_measured_apart_from_running(database: Database, exported: Exported) -> None:
    pause = {"postgresql": "SELECT pg_sleep(0.05)", "mysql": "SELECT SLEEP(0.05)"}[database.kind]
    async with database.module(pool_size=1) as data:
        notes = Notes()
        data.telemetry.listen(notes)

        async def work() -> None:
            async with data.session() as session:
                await session.execute(text(pause))

        loop = asyncio.get_running_loop()
        started = loop.time()
        async with asyncio.TaskGroup() as tasks, data.session() as session:
            await session.execute(select(1))
            for _ in range(5):
                tasks.create_task(work())
            while data.pool_status().waiting < 5:
                await asyncio.sleep(0)
        elapsed = loop.time() - started
        waited = by_profile(exported.points(numbers.WAIT_TIME.name))["main"]

    runs = [operation.ran for operation in notes.operations if "sleep" in operation.sql.lower()]
    assert len(runs) == 5
    # The n-th of five waits while the n - 1 before it run, and all of them together for no longer than five times.
    assert sum(sum(runs[:before]) for before in range(5)) <= waited.sum <= 5 * elapsed
    [ran] = [
        point
        for point in exported.points(numbers.OPERATION_DURATION.name)
        if point.attributes[numbers.OPERATION_NAME] == "SELECT"
    ]
    assert (ran.count, ran.sum <= elapsed) == (6, True)


@persistent
async def test_profiles_and_loops_have_one_series_each(database: Database, exported: Exported) -> None:
    settings = DataSettings(profiles={name: database.settings() for name in ("one", "two")}, default="one")
    async with DataModule(settings=settings) as data:

        async def read(profile: str) -> None:
            async with data.session(profile) as session:
                await session.execute(select(database.notes))

        thread = threading.Thread(target=lambda: asyncio.run(read("one")))
        thread.start()
        await asyncio.to_thread(thread.join)
        await read("one")
        await read("two")

        points = exported.points(numbers.WAIT_TIME.name)
        assert sorted(point.attributes[numbers.POOL_NAME] for point in points) == ["one", "two"]
        profiles = [dict(span.attributes or {})[numbers.POOL_NAME] for span in exported.spans if "SELECT" in span.name]
        assert sorted(map(str, profiles)) == ["one", "one", "two"]


@servers
async def test_an_unlimited_maximum_is_not_told(database: Database, exported: Exported) -> None:
    async with database.module(max_overflow=-1) as data, data.session() as session:
        await session.execute(select(1))

        assert exported.points(numbers.MAX.name) == []
        assert by_profile(exported.points(numbers.IDLE_MAX.name))["main"].value == 2


@persistent
async def test_units_of_work_are_counted_by_their_outcome(database: Database, exported: Exported) -> None:
    async with database.module() as data:
        async with data.session() as session:
            await session.execute(insert(database.notes).values(text="a"))
        with pytest.raises(ZeroDivisionError):
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="b"))
                _ = 1 / 0

        counted = {point.attributes["outcome"]: point.value for point in exported.points(numbers.UNITS.name)}
        assert counted == {"commit": 1, "rollback": 1}


def test_names_are_those_of_the_installed_conventions() -> None:
    known = {
        value
        for module in (db_metrics, pool_metrics)
        for name, value in vars(module).items()
        if name.startswith("DB_CLIENT") and isinstance(value, str)
    }
    assert {metric.name for metric in numbers.METRICS if not metric.name.startswith("myfy_data.")} <= known

    attributes = {
        value
        for module in (db_attributes, incubating, error_attributes)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str)
    }
    ours = {numbers.OUTCOME, numbers.VERDICT, numbers.SERVER, numbers.ROLE}
    used = {label for metric in numbers.METRICS for label in metric.labels} - ours
    used |= {otel.QUERY_SUMMARY, otel.QUERY_TEXT, otel.BATCH_SIZE, otel.STATUS_CODE}
    assert used <= attributes
    states = incubating.DbClientConnectionStateValues
    assert {states.IDLE.value, states.USED.value} == {"idle", "used"}


_WITHOUT_PROVIDER = """
import asyncio, sys
import opentelemetry.trace, opentelemetry.metrics
from sqlalchemy import select
from myfy_data import DataModule, DataSettings, DatabaseSettings
profiles = {"main": DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:")}

async def recorder(environment):
    data = DataModule(settings=DataSettings(profiles=profiles, environment=environment))
    async with data, data.session(read_only=True) as session:
        await session.execute(select(1))
        return data.get_engine().pool.recorder

assert asyncio.run(recorder("staging")) is None
from opentelemetry.sdk.trace import TracerProvider
opentelemetry.trace.set_tracer_provider(TracerProvider())
assert asyncio.run(recorder("staging")) is not None
"""


def test_it_is_on_from_the_moment_that_the_process_has_set_a_provider() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT_PROVIDER], capture_output=True, encoding="utf-8", check=False)

    assert (done.returncode, done.stderr) == (0, "")
