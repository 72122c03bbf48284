"""How an application on myfy is tested: docs/how-to/myfy.md shows this, test_myfy_app.py runs it beside the example."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

# README: from here
from app import Accounts, app, asgi


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with asgi.router.lifespan_context(asgi):
        transport = httpx.ASGITransport(asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://bank") as client:
            await client.post("/users/Ada")
            await client.post("/users/Bob")
            yield client


async def test_a_transfer_without_money_stores_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/transfers", json={"source": 1, "target": 2, "amount": 101})

    assert answer.status_code == 409
    assert (await client.get("/statement")).text == "1,100\n2,100\n"


class Closed:
    """Stands in for `Accounts`."""

    async def move(self, _transfer: object) -> None:
        raise ValueError("the bank is closed")


async def test_a_transfer_at_a_closed_bank_is_an_error(client: httpx.AsyncClient) -> None:
    with app.container.override({Accounts: Closed}):
        answer = await client.post("/transfers", json={"source": 1, "target": 2, "amount": 1})

    assert answer.status_code == 500
    # README: to here
