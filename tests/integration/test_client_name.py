"""The server's list of connections says which service and profile each belongs to (issue 13, contract C12.2)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from myfy_data import DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.connect.client_name import default_client_name
from tests.sandbox import Sandbox

LISTED = text("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")


async def listed(url: str, profile: str = "main", **keys: Any) -> str:
    settings = DataSettings(default=profile, profiles={profile: DatabaseSettings(database_url=url, **keys)})
    async with DataModule(settings=settings) as data, data.session() as session:
        return str((await session.execute(LISTED)).scalar_one())


@pytest.mark.postgresql
async def test_a_connection_is_listed_by_its_profile(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)

    assert await listed(postgresql_url, "read-replica") == "myfy/read-replica"


@pytest.mark.postgresql
async def test_the_service_is_told_where_it_has_a_name(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")

    assert await listed(postgresql_url) == "shop/main"


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "said",
    [{"application_name": "mine"}, {"connect_args": {"server_settings": {"application_name": "mine"}}}],
    ids=["key", "driver"],
)
async def test_what_is_said_stays(postgresql_url: str, said: dict[str, Any]) -> None:
    assert await listed(postgresql_url, **said) == "mine"


@pytest.mark.postgresql
async def test_a_reload_that_swaps_no_engine_keeps_the_name(postgresql_url: str, project: Sandbox) -> None:
    base = f'[data.profiles.main]\ndatabase_url = "{postgresql_url}"\npool_size = 1\nmax_overflow = 0\n'
    project.write("myfy.toml", base)
    async with DataModule() as data:
        project.write("myfy.toml", base + "statement_timeout = 50\n")
        await data.reload()
        await data.get_engine().dispose()  # the next connection is a new one
        async with data.session() as session:
            found = (await session.execute(LISTED)).scalar_one()
            limit = (await session.execute(text("SHOW statement_timeout"))).scalar_one()

    assert (found, limit) == ("myfy/main", "50s")


@pytest.mark.mysql
@pytest.mark.parametrize(("said", "told"), [({}, "myfy/main"), ({"application_name": "mine"}, "mine")], ids=str)
async def test_mysql_is_told_in_the_log_in(mysql_url: str, said: dict[str, Any], told: str) -> None:
    settings = DataSettings(profiles={"main": DatabaseSettings(database_url=mysql_url, **said)})
    async with DataModule(settings=settings) as data, data.session() as session:
        raw: Any = await (await session.connection()).get_raw_connection()
        attributes = raw.driver_connection._connect_attrs

    assert attributes["program_name"] == told


@pytest.mark.parametrize("profile", ["main", "p" * 63])
@pytest.mark.parametrize("service", ["s" * 100, "caf\u00e9", " "])
def test_a_name_is_one_that_a_server_keeps(profile: str, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", service)
    name = default_client_name(profile)

    assert len(name) <= 63
    assert name.isascii()
    assert name.endswith(profile)
