"""Time units of work with and without telemetry, alternating in one run.

Usage: `python benchmarks/telemetry.py [--rounds N] [--units N] [--below] [URL ...]`; without a URL, SQLite in a file.
On is the slow log, Prometheus' numbers and, where the SDK is installed, OpenTelemetry's spans, of which none is
sampled; with `--below` they would stand below a request's span that is not sampled either. The table is created in the
database, and dropped. A ratio is the median over the rounds, each of which times all of them, one behind the other.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median

from calls import METADATA, Work, read, write
from myfy_data import DatabaseSettings, DataModule, DataSettings


def module(url: str, *, is_on: bool) -> DataModule:
    """A module in an environment without defaults for what is slow."""
    bounds = {"statement": 5.0, "wait": 5.0, "transaction": 5.0, "repeated": 50} if is_on else {}
    profiles = {"main": DatabaseSettings(database_url=url, slow=bounds)}
    data = DataModule(settings=DataSettings(profiles=profiles, environment="staging"))
    if is_on:
        data.telemetry.prometheus  # noqa: B018 - counts from here on
        listen_for_spans(data)
    return data


def listen_for_spans(data: DataModule) -> None:
    """Make spans that are not sampled, for this module alone: a provider of the process would switch on the others."""
    try:
        import opentelemetry.trace  # noqa: PLC0415 - it may be absent
        from opentelemetry.sdk.trace import TracerProvider, sampling  # noqa: PLC0415 - as above
    except ImportError:
        return
    from myfy_data.telemetry.otel import SpanObserver  # noqa: PLC0415 - as above

    provider = TracerProvider(sampler=sampling.ALWAYS_OFF)
    data.telemetry.listen(SpanObserver(opentelemetry.trace, provider, data.telemetry.facts))


def request_left_out() -> AbstractContextManager[object]:
    """What stands around the work of a request whose span is not sampled."""
    import opentelemetry.trace as api  # noqa: PLC0415 - as above

    return api.use_span(api.NonRecordingSpan(api.SpanContext(trace_id=1, span_id=1, is_remote=False)))


async def timed(work: Work, data: DataModule, units: int) -> float:
    """Seconds of the process for so many units of work; waiting for a server is not counted."""
    started = time.process_time()
    for _ in range(units):
        await work(data)
    return time.process_time() - started


async def compare(url: str, rounds: int, units: int) -> None:
    """Print a line for each kind of work."""
    off, again, on = module(url, is_on=False), module(url, is_on=False), module(url, is_on=True)
    async with off, again, on:
        async with off.get_engine().begin() as connection:
            await connection.run_sync(METADATA.create_all)
        for work in (read, write):
            for data in (off, again, on):
                await timed(work, data, units)
            ratios, noise = [], []
            for number in range(rounds):
                order = (off, again, on) if number % 2 else (on, again, off)
                took = {data: await timed(work, data, units) for data in order}
                ratios.append(took[on] / took[off])
                noise.append(took[again] / took[off])
            backend = off.get_settings().url.backend
            print(f"{backend:<12}{work.__name__:<8}on {median(ratios):.3f}  off beside off {median(noise):.3f}")
        async with off.get_engine().begin() as connection:
            await connection.run_sync(METADATA.drop_all)


def main() -> None:
    """Compare on each database that is named."""
    parser = argparse.ArgumentParser(description="Time units of work with and without telemetry.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--units", type=int, default=300)
    parser.add_argument("--below", action="store_true", help="below a request's span that is not sampled")
    parser.add_argument("urls", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for url in arguments.urls or [f"sqlite:///{Path(directory) / 'telemetry.db'}"]:
            with request_left_out() if arguments.below else nullcontext():
                asyncio.run(compare(url, arguments.rounds, arguments.units))


if __name__ == "__main__":
    main()
