"""Spans and metrics for OpenTelemetry, once the process has set a provider (contract C12.2; ADR 37).

Only the API is used. It is not imported here before the process has done so: who has set a provider has imported it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from myfy_data.engines.observation import EngineObserver, Operation
from myfy_data.telemetry.numbers import (
    BUCKETS,
    ERROR_TYPE,
    LOOKED_UP,
    NAMESPACE,
    OPERATION_NAME,
    POOL_NAME,
    RECORDED,
    SYSTEM_NAME,
    Attributes,
    DatabaseFacts,
    Metric,
    NumbersObserver,
)
from myfy_data.telemetry.pool_numbers import PoolNumbers
from myfy_data.telemetry.statement_text import statement_text

SCOPE = "myfy_data"
QUERY_SUMMARY = "db.query.summary"
QUERY_TEXT = "db.query.text"
BATCH_SIZE = "db.operation.batch.size"
STATUS_CODE = "db.response.status_code"
WAIT_MS = "myfy_data.wait_ms"

Facts = Callable[[str], DatabaseFacts]


def span_observer(facts: Facts) -> EngineObserver | None:
    """What makes spans; None while the process has set no provider of traces."""
    provided = _provided("opentelemetry.trace", "get_tracer_provider")
    return None if provided is None else SpanObserver(*provided, facts)


def metric_observer(facts: Facts, pools: PoolNumbers) -> EngineObserver | None:
    """What records metrics; None while the process has set no provider of metrics."""
    provided = _provided("opentelemetry.metrics", "get_meter_provider")
    return None if provided is None else NumbersObserver(facts, MeterSink(*provided, pools))


def _provided(name: str, getter: str) -> tuple[object, object] | None:
    """A module of the API, and the provider that the process has set; the API's own providers do nothing."""
    module = sys.modules.get(name)
    if module is None:
        return None
    provider = getattr(module, getter)()
    return None if type(provider).__module__.startswith(name) else (module, provider)


class SpanObserver(EngineObserver):
    """Makes a span for each statement, COMMIT and ROLLBACK, when it is over: below whatever span is current then.

    Args:
        trace: the API.
        provider: gives tracers.
        facts: tells of a profile's database.
    """

    def __init__(self, trace: Any, provider: Any, facts: Facts) -> None:
        self._tracer = provider.get_tracer(SCOPE)
        self._kind = trace.SpanKind.CLIENT
        self._error = trace.Status(trace.StatusCode.ERROR)  # without a description: drivers quote what they were given
        self._facts = facts
        self._context: Callable[[], Any] = sys.modules["opentelemetry.context"].get_current
        self._current: Callable[[Any], Any] = trace.get_current_span
        self._none = trace.INVALID_SPAN
        self._dropped: Any = trace.NonRecordingSpan

    def operation(self, seen: Operation) -> None:
        """Make a span; none below one of this process that the sampler has left out."""
        context = self._context()
        if self._is_left_out(self._current(context)):
            return
        facts = self._facts(seen.profile)
        shown = statement_text(seen.sql, facts.backend)
        ended = time.time_ns()
        attributes: dict[str, str | int | float] = {
            SYSTEM_NAME: facts.system,
            NAMESPACE: facts.namespace,
            OPERATION_NAME: shown.operation,
            QUERY_SUMMARY: shown.summary,
            QUERY_TEXT: shown.text,
            POOL_NAME: seen.profile,
            WAIT_MS: round(seen.waited * 1000, 3),
        }
        if seen.batch > 1:
            attributes[BATCH_SIZE] = seen.batch
        if seen.error is not None:
            attributes |= _failure(seen.error)
        started = ended - int(seen.ran * 1e9)
        span = self._tracer.start_span(shown.summary, context, self._kind, attributes, start_time=started)
        if seen.error is not None:
            span.set_status(self._error)
        span.end(ended)

    def _is_left_out(self, parent: Any) -> bool:
        """Whether the sampler has left out what a span would stand below; another process's decision is no answer."""
        # A span that has ended records no more, and is sampled all the same; it is of the SDK's type.
        if parent is self._none or not isinstance(parent, self._dropped):
            return False
        above = parent.get_span_context()
        return above.is_valid and not above.is_remote and not above.trace_flags.sampled


def _failure(error: BaseException) -> dict[str, str]:
    """The class of an error and the server's code; never its text."""
    found = {ERROR_TYPE: type(error).__name__}
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    code = number or getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    return found if code is None else {**found, STATUS_CODE: str(code)}


class MeterSink:
    """Records numbers by OpenTelemetry's instruments.

    Args:
        metrics: the API.
        provider: gives meters.
        pools: the pools, asked when numbers are collected.
    """

    def __init__(self, metrics: Any, provider: Any, pools: PoolNumbers) -> None:
        self._meter = provider.get_meter(SCOPE)
        self._observation = metrics.Observation
        self._records: dict[str, Callable[..., None]] = {metric.name: self._recorded(metric) for metric in RECORDED}
        for metric in LOOKED_UP:
            is_total = metric.kind == "total"
            create = (
                self._meter.create_observable_counter if is_total else self._meter.create_observable_up_down_counter
            )
            create(metric.name, [self._callback(metric, pools)], unit=metric.unit, description=metric.description)

    def series(self, metric: Metric, attributes: Attributes) -> Callable[[float], object]:
        """What adds a value with these attributes."""
        return partial(self._records[metric.name], attributes=attributes)

    def _recorded(self, metric: Metric) -> Callable[..., None]:
        words = {"unit": metric.unit, "description": metric.description}
        if metric.kind == "counter":
            add: Callable[..., None] = self._meter.create_counter(metric.name, **words).add
            return add
        histogram = self._meter.create_histogram(metric.name, **words, explicit_bucket_boundaries_advisory=BUCKETS)
        record: Callable[..., None] = histogram.record
        return record

    def _callback(self, metric: Metric, pools: PoolNumbers) -> Callable[[object], Iterable[object]]:
        def observe(_options: object) -> Iterable[object]:
            return [self._observation(value, dict(attributes)) for value, attributes in pools.of(metric)]

        return observe
