"""What a client of the shop may rely on, the same on each host."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from shop.models import Item, Order, Sale


async def order(client, quantity: int, item: str = "apple"):
    return await client.post("/orders", json={"item": item, "quantity": quantity, "email": "ada@example.org"})


async def stored(data) -> tuple[int, int, int]:
    """Orders, sales, and apples that are left."""
    async with data.session() as main, data.session("analytics") as analytics:
        return (
            await main.scalar(select(func.count()).select_from(Order)),
            await analytics.scalar(select(func.count()).select_from(Sale)),
            await main.scalar(select(Item.stock).where(Item.name == "apple")),
        )


async def test_an_order_is_stored_in_both_databases(opened, data, apples):
    async with opened() as client:
        answer = await order(client, 2)

        assert answer.is_success
        assert await stored(data) == (1, 1, 1)


@pytest.mark.parametrize(("quantity", "item", "status"), [(4, "apple", 409), (1, "brick", 404)])
async def test_an_order_that_is_refused_leaves_nothing_in_either(opened, data, apples, quantity, item, status):
    async with opened() as client:
        answer = await order(client, quantity, item)

        assert answer.status_code == status
        assert await stored(data) == (0, 0, 3)


async def test_the_goods_are_those_in_stock(opened, apples):
    async with opened() as client:
        await order(client, 3)

        assert (await client.get("/items")).json() == []


async def test_the_goods_cost_one_statement_however_many_there_are(opened, data, apples):
    async with data.session() as session:
        session.add_all(Item(name=f"pear {number}", price=1, stock=1) for number in range(20))

    async with opened() as client:
        with data.queries("main") as seen:
            assert len((await client.get("/items")).json()) == 21
        assert seen.count == 1


async def test_the_turnover_is_read_from_the_second_database_alone(opened, data, apples):
    async with opened() as client:
        await order(client, 2)

        with data.queries("main") as seen:
            assert (await client.get("/turnover")).json() == {"apple": 80}
        assert seen.count == 0
