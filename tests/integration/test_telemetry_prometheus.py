"""The same numbers for Prometheus, there from the start (contract C12.2)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from myfy_data import DatabaseSettings, DataModule, DataSettings, MissingPackageError
from tests.databases import PERSISTENT, Database

CANARY = "canary7531"
MAIN = {"db_client_connection_pool_name": "main"}

persistent = pytest.mark.parametrize("database", PERSISTENT, indirect=True)


def value(data: DataModule, name: str, **labels: str) -> float | None:
    found: float | None = data.telemetry.prometheus.registry.get_sample_value(name, {**MAIN, **labels})
    return found


def test_every_series_is_there_from_the_start() -> None:
    profiles = {"main": DatabaseSettings(database_url="postgresql://app@localhost/shop", pool_size=3, max_overflow=4)}
    data = DataModule(settings=DataSettings(profiles=profiles))

    assert value(data, "db_client_connection_timeouts_total") == 0
    assert value(data, "db_client_connection_wait_time_seconds_count") == 0
    assert value(data, "db_client_connection_use_time_seconds_sum") == 0
    assert value(data, "db_client_connection_create_time_seconds_bucket", le="0.5") == 0
    assert value(data, "db_client_connection_count", db_client_connection_state="used") == 0
    assert value(data, "db_client_connection_max") == 7
    assert value(data, "db_client_connection_idle_max") == 3
    assert value(data, "db_client_connection_pending_requests") == 0
    assert value(data, "myfy_data_unit_of_work_total", outcome="unknown") == 0


def test_an_unlimited_maximum_is_not_told() -> None:
    profiles = {"main": DatabaseSettings(database_url="postgresql://app@localhost/shop", max_overflow=-1)}
    data = DataModule(settings=DataSettings(profiles=profiles))

    assert value(data, "db_client_connection_max") is None


@persistent
async def test_what_happens_is_counted(database: Database) -> None:
    async with database.module() as data:
        _ = data.telemetry.prometheus
        async with data.session() as session:
            await session.execute(insert(database.notes).values(text="a"))
            assert value(data, "db_client_connection_count", db_client_connection_state="used") == 1

        assert value(data, "myfy_data_unit_of_work_total", outcome="commit") == 1
        assert value(data, "db_client_connection_wait_time_seconds_count") == 1
        families = text_string_to_metric_families(data.telemetry.prometheus.exposition()[0].decode())
        durations = [
            sample for family in families for sample in family.samples if sample.name.endswith("duration_seconds_count")
        ]
        counted = {sample.labels["db_operation_name"]: sample.value for sample in durations if sample.value}
        assert counted == {"INSERT": 1, "COMMIT": 1}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_is_counted_calls_nothing_of_the_client_before_a_scrape(database: Database) -> None:
    called: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and str(frame.f_globals.get("__name__")).startswith("prometheus_client"):
            called.append(frame.f_code.co_name)

    async with database.module() as data:
        numbers = data.telemetry.prometheus
        sys.setprofile(note)
        try:
            async with data.session() as session:
                await session.execute(insert(database.notes).values(text="a"))
            before = list(called)
            numbers.exposition()
        finally:
            sys.setprofile(None)

    assert (before, bool(called)) == ([], True)
    assert value(data, "myfy_data_unit_of_work_total", outcome="commit") == 1


@persistent
async def test_the_canary_is_in_no_number(database: Database) -> None:
    async with database.module() as data:
        _ = data.telemetry.prometheus
        with pytest.raises(DBAPIError):
            async with data.session() as session:
                await session.execute(insert(database.notes), [{"text": CANARY}, {"text": CANARY}])
        text, kind = data.telemetry.prometheus.exposition()

    assert kind.startswith("text/plain")
    assert re.search(rb'error_type="\w+Error"', text)
    assert CANARY.encode() not in text


@persistent
async def test_another_registry_can_collect_them(database: Database) -> None:
    async with database.module() as data, data.session(read_only=True) as session:
        theirs = CollectorRegistry()
        theirs.register(data.telemetry.prometheus.registry)
        await session.execute(select(database.notes))

        assert theirs.get_sample_value("db_client_connection_idle_max", MAIN) == 2


PARTS = {
    "myfy_data_unit_of_work_total": "myfy_data_unit_of_work",
    "db_client_connection_wait_time_seconds_count": "db_client_connection_wait_time_seconds",
    "db_client_connection_idle_max": "db_client_connection_idle_max",
}


@pytest.mark.parametrize("asked", PARTS)
@pytest.mark.parametrize("is_shared", [False, True], ids=["alone", "shared"])
def test_a_part_of_them_can_be_asked_for(
    asked: str, is_shared: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if is_shared:
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    profiles = {"main": DatabaseSettings(database_url="postgresql://app@localhost/shop")}
    registry = DataModule(settings=DataSettings(profiles=profiles)).telemetry.prometheus.registry

    part = registry.restricted_registry([asked])
    assert {family.name: {sample.name for sample in family.samples} for family in part.collect()} == {
        PARTS[asked]: {asked}
    }


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    data = DataModule(settings=DatabaseSettings(database_url="sqlite:///:memory:"))

    with pytest.raises(MissingPackageError, match="pip install"):
        _ = data.telemetry.prometheus
