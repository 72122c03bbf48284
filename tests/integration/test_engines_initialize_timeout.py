"""A server that falls silent after the log-in, while it is asked for its version, costs `connect_timeout` as well."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from myfy_data import ConnectTimeoutError
from myfy_data.engines.registry import EngineRegistry
from myfy_data.settings.database_settings import DatabaseSettings
from tests.clock import deadline_of
from tests.faults.messages import Message
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.rules import Fault
from tests.integration.test_engines_timeouts import in_time

pytestmark = pytest.mark.usefixtures("quiet")

BOUND = 30.0
"""Seconds for connecting, which pass at once when no server answers; the deadline of statements stays at a minute."""


def questions(proxy: FaultProxy) -> list[int]:
    """Which messages, counted from the first one, come after the log-in."""
    messages = list(proxy.messages)
    begin = next(index for index, message in enumerate(messages) if message.runs or message.text)
    return list(range(begin + 1, len(messages) + 1))


def anything(_: Message) -> bool:
    return True


async def connect_and_leave(registry: EngineRegistry) -> None:
    async with registry.get("main").connect():
        pass


@pytest.mark.parametrize("url", ["postgresql_url", "mysql_url"])
@pytest.mark.parametrize("place", [0, 1, -1], ids=["first question", "second question", "last question"])
async def test_the_first_questions_belong_to_connecting(request: pytest.FixtureRequest, url: str, place: int) -> None:
    async with fault_proxy(request.getfixturevalue(url)) as (proxy, through):
        settings = {"main": DatabaseSettings(database_url=through, connect_timeout=BOUND)}
        healthy = EngineRegistry(settings)
        await connect_and_leave(healthy)
        nth = questions(proxy)[place]
        await healthy.close()
        registry = EngineRegistry(settings)
        rule = proxy.arm(Fault.BLACK_HOLE, when=anything, nth=nth, then=deadline_of(BOUND))

        with in_time(), pytest.raises(ConnectTimeoutError, match="no answer within 30 s"):
            await connect_and_leave(registry)

        assert rule.fired
        async with registry.get("main").connect() as connection:
            assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
        await registry.close()
