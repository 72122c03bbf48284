"""PostgreSQL with several hosts in its URL: tried in order, each with its port, none dropped (contract C2, C11.1)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from myfy_data import ConfigError, DatabaseConnectionError, DatabaseSettings, DataModule, DataSettings
from tests.doors import close_door
from tests.own_servers import free_port

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
async def test_the_first_host_that_takes_us_serves(postgresql_url: str, order: str) -> None:
    user, alive, database = parts_of(postgresql_url)
    dead = f"127.0.0.1:{free_port()}"
    hosts = [alive, dead] if order == "alive first" else [dead, alive]
    query = "&".join(f"host={host}" for host in hosts)

    assert await answer(DatabaseSettings(database_url=f"postgresql://{user}@/{database}?{query}")) == 1


async def test_hosts_are_tried_in_the_order_in_which_they_are_written(postgresql_url: str) -> None:
    """A server that lets us in is not passed by: neither one that works, nor one that hangs up."""
    met: list[bool] = []

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(True)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    rude = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    user, alive, database = parts_of(postgresql_url)
    url = f"postgresql://{user}@/{database}?sslmode=disable"
    answered = await answer(DatabaseSettings(database_url=f"{url}&host={alive}&host={rude}"))
    not_met = list(met)
    with pytest.raises(DatabaseConnectionError):
        await answer(DatabaseSettings(database_url=f"{url}&host={rude}&host={alive}"))
    await close_door(server)

    assert (answered, not_met, met) == (1, [], [True])


async def test_hosts_come_from_parts(postgresql_url: str) -> None:
    user, alive, database = parts_of(postgresql_url)
    query = {"host": f"127.0.0.1:{free_port()},{alive}"}

    assert await answer(DatabaseSettings(driver="postgresql", username=user, database=database, query=query)) == 1


async def test_an_error_names_every_host_that_was_tried() -> None:
    ports = [free_port(), free_port()]
    url = f"postgresql://app@/d?host=127.0.0.1:{ports[0]}&host=127.0.0.1:{ports[1]}"

    with pytest.raises(Exception, match=f"127.0.0.1:{ports[0]}, 127.0.0.1:{ports[1]}"):
        await answer(DatabaseSettings(database_url=url))


async def test_several_hosts_of_mysql_are_refused() -> None:
    with pytest.raises(ConfigError, match="says 'host' twice"):
        await answer(DatabaseSettings(database_url="mysql://app@/d?host=a&host=b"))
