"""`/metrics` in the hosts (contract C12.2): what Prometheus scrapes, only where it was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from myfy_data import ConfigError, DataModule, MissingPackageError
from tests.hosts import bare_applications
from tests.hosts.bare_applications import with_starlette
from tests.hosts.client import request, started
from tests.hosts.conftest import Local

# Litestar 2.25 wants each parameter to say what it is, in words that 2.16 has not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # a class of Litestar's own since 2.23

Build = Callable[..., Any]
READ = 'db_client_operation_duration_seconds_count{db_client_connection_pool_name="main"'
IDLE = 'db_client_connection_idle_max{db_client_connection_pool_name="second"} 3.0'


on_hosts = bare_applications.on_hosts(metrics="/metrics")


@on_hosts
async def test_what_happened_is_scraped(local: Local, build: Build) -> None:
    app = build(local.data)
    async with started(app):
        async with local.data.session() as session:
            await session.execute(text("SELECT 'canary7531'"))
        answer = await request(app, "/metrics")

    headers = dict(answer.messages[0]["headers"])
    assert answer.status == 200
    assert headers[b"content-type"].startswith(b"text/plain")
    assert IDLE in answer.text
    [counted] = [line for line in answer.text.splitlines() if line.startswith(READ) and 'name="SELECT"' in line]
    assert counted.endswith(" 1.0")
    assert "canary7531" not in answer.text


@on_hosts
async def test_nothing_is_answered_or_counted_where_nothing_was_asked_for(local: Local, build: Build) -> None:
    app = build(local.data, metrics=None)
    async with started(app):
        answer = await request(app, "/metrics")

    assert answer.status == 404
    assert not local.data.telemetry.is_counted


async def test_the_module_may_say_the_path_too(local: Local) -> None:
    data = DataModule(settings=local.data.settings, metrics="/-/numbers")
    app = with_starlette(data, metrics=None)
    async with started(app):
        answer = await request(app, "/-/numbers")

    assert IDLE in answer.text


def test_what_is_no_path_is_refused() -> None:
    with pytest.raises(ConfigError, match='fix: metrics="/metrics"'):
        DataModule(metrics="metrics")


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(MissingPackageError, match=r'pip install "myfy-data\[prometheus\]"'):
        DataModule(metrics="/metrics")
