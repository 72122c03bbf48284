"""PostgreSQL with several hosts in its URL: each is asked for its role, none is dropped (contract C11.1, C11.3)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from myfy_data import ClusterError, ConfigError, DatabaseSettings, DataModule, DataSettings
from tests.own_servers import closed_port

pytestmark = pytest.mark.postgresql


async def answer(settings: DatabaseSettings) -> int:
    async with DataModule(settings=DataSettings(profiles={"main": settings})) as data, data.session() as session:
        found: int = await session.scalar(text("SELECT 1"))
        assert (await data.health()).ok
        return found


def parts_of(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.username or "", f"{parts.hostname}:{parts.port}", parts.path.removeprefix("/")


@pytest.mark.parametrize("order", ["alive first", "alive last"])
async def test_the_host_that_is_the_primary_serves(postgresql_url: str, order: str) -> None:
    user, alive, database = parts_of(postgresql_url)
    with closed_port() as port:
        dead = f"127.0.0.1:{port}"
        hosts = [alive, dead] if order == "alive first" else [dead, alive]
        query = "&".join(f"host={host}" for host in hosts)

        assert await answer(DatabaseSettings(database_url=f"postgresql://{user}@/{database}?{query}")) == 1


async def test_hosts_come_from_parts(postgresql_url: str) -> None:
    user, alive, database = parts_of(postgresql_url)
    with closed_port() as port:
        query = {"host": f"127.0.0.1:{port},{alive}"}
        settings = DatabaseSettings(driver="postgresql", username=user, database=database, query=query)

        assert await answer(settings) == 1


async def test_an_error_names_every_host_that_was_tried() -> None:
    with closed_port() as first, closed_port() as second:
        url = f"postgresql://app@/d?host=127.0.0.1:{first}&host=127.0.0.1:{second}"
        settings = DatabaseSettings(database_url=url, cluster={"failover_timeout": 1.0})

        with pytest.raises(ClusterError, match=f"127.0.0.1:{first} (.|\n)*127.0.0.1:{second} "):
            await answer(settings)


async def test_several_hosts_of_mysql_are_refused() -> None:
    with pytest.raises(ConfigError, match="says 'host' twice"):
        await answer(DatabaseSettings(database_url="mysql://app@/d?host=a&host=b"))
