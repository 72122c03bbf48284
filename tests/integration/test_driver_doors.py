"""A server of the tests that stops listening during a connect leaves no socket to the garbage collector."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.faults import fault_proxy
from tests.faults.noise import listening
from tests.integration.test_engines_timeouts import black_hole
from tests.tcp_proxy import relay_to

Opener = Callable[[str], AbstractAsyncContextManager[tuple[Any, str]]]


async def come_and_go(opened: AbstractAsyncContextManager[int], turns: int) -> None:
    """Connect to a port, disconnect, and let the loop turn so often before the server closes."""
    async with opened as port:
        socket.create_connection(("127.0.0.1", port)).close()
        for _ in range(turns):
            await asyncio.sleep(0)


@asynccontextmanager
async def port_of(opened: AbstractAsyncContextManager[tuple[Any, str]]) -> AsyncIterator[int]:
    async with opened as (_, url):
        yield urlsplit(url).port or 0


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("opener", [relay_to, fault_proxy])
def test_who_comes_as_a_server_closes_is_seen_off(opener: Opener, turns: int, postgresql_url: str) -> None:
    with listening() as noise:
        asyncio.run(come_and_go(port_of(opener(postgresql_url)), turns))

    assert noise.messages == []


@pytest.mark.parametrize("turns", range(12))
def test_who_comes_as_a_black_hole_closes_is_seen_off(turns: int) -> None:
    with listening() as noise:
        asyncio.run(come_and_go(black_hole(), turns))

    assert noise.messages == []
