"""What is only counted: reloads, leaks, retries, credentials, and the roles of several servers (contract C12.2)."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from myfy_data import ConfigError, DatabaseConnectionError, DatabaseSettings, DataModule, DataSettings, retrying
from myfy_data.telemetry import numbers
from tests.clusters.postgresql import PostgresqlCluster
from tests.integration.test_cluster_postgresql import running, settings_of, until
from tests.sandbox import Sandbox

MAIN = {"db_client_connection_pool_name": "main"}


def counted(data: DataModule, name: str, **labels: str) -> float | None:
    found: float | None = data.telemetry.prometheus.registry.get_sample_value(name, labels)
    return found


def on_file(path: Path, **keys: object) -> DataModule:
    settings = DatabaseSettings(database_url=f"sqlite+aiosqlite:///{path / 'app.db'}", **keys)
    return DataModule(settings=DataSettings(profiles={"main": settings}))


async def test_reloads_are_counted_by_what_they_came_to(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\n')
    async with DataModule() as data:
        before = [counted(data, "myfy_data_config_reload_total", outcome=each) for each in numbers.RELOAD_OUTCOMES]
        await data.reload()
        project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\nsise = 1\n')
        for _ in range(2):
            with pytest.raises(ConfigError):
                await data.reload()

        after = [counted(data, "myfy_data_config_reload_total", outcome=each) for each in numbers.RELOAD_OUTCOMES]
        assert (before, after) == ([0, 0], [1, 2])


async def test_a_leak_that_is_reported_is_counted(tmp_path: Path) -> None:
    async with on_file(tmp_path, pool_leak_detection_threshold=0.01) as data:
        _ = data.telemetry.prometheus
        async with data.session(read_only=True) as session:
            await session.execute(text("SELECT 1"))
            await until(lambda: counted(data, "myfy_data_leaks_total", **MAIN) == 1)


async def test_a_unit_that_runs_again_is_counted_by_why(tmp_path: Path) -> None:
    async with on_file(tmp_path) as data:
        _ = data.telemetry.prometheus
        runs = 0
        async for attempt in retrying(data):
            async with attempt as session:
                runs += 1
                await session.execute(text("SELECT 1"))
                if runs == 1:
                    raise OperationalError("SELECT 1", None, busy())

        assert counted(data, "myfy_data_retries_total", verdict="conflict", **MAIN) == 1
        assert counted(data, "myfy_data_retries_total", verdict="lost", **MAIN) == 0


def busy() -> Exception:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
    return error


async def test_what_gives_credentials_is_counted_by_its_answers(project: Sandbox) -> None:
    project.write(
        "giver.py",
        """
        from myfy_data import ProviderError

        def give(request):
            raise ProviderError("nothing to give")
        """,
    )
    url = "postgresql+asyncpg://app@127.0.0.1:1/shop"
    project.write("myfy.toml", f'[data.profiles.main]\ndatabase_url = "{url}"\ncredentials = "giver:give"\n')
    data = DataModule()
    _ = data.telemetry.prometheus
    with pytest.raises(DatabaseConnectionError):
        async with data.session() as session:
            await session.execute(text("SELECT 1"))

    assert counted(data, "myfy_data_credentials_refresh_total", outcome="failed", **MAIN) == 1
    assert counted(data, "myfy_data_credentials_refresh_total", outcome="given", **MAIN) == 0
    await data.stop()


@pytest.mark.postgresql
async def test_roles_lag_and_failovers_of_several_servers(cluster: PostgresqlCluster) -> None:
    node, other = cluster.n1, cluster.n2
    with cluster.database() as name:
        async with running(settings_of(cluster.addresses, name)) as data:
            _ = data.telemetry.prometheus

            def role(server: str, its: str) -> bool:
                return counted(data, "myfy_data_cluster_role", server=server, role=its, **MAIN) == 1

            async with data.session() as session:
                await session.execute(text("SELECT 1"))
            await until(lambda: role(node.address, "primary") and role(other.address, "replica"))
            lag = counted(data, "myfy_data_cluster_replication_lag_seconds", server=other.address, **MAIN)
            before = counted(data, "myfy_data_cluster_failovers_total", **MAIN)
            await asyncio.to_thread(node.kill)
            await asyncio.to_thread(other.promote)
            await until(lambda: role(other.address, "primary"))
            after = counted(data, "myfy_data_cluster_failovers_total", **MAIN)

    assert lag is not None
    assert lag >= 0
    assert (before, after) == (0, 1)
