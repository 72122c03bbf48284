"""Buying and looking. The sessions are the caller's: a function here never commits."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import Item, Order, Sale


class NoSuchItemError(Exception):
    """The shop does not sell it."""


class SoldOutError(Exception):
    """There is less of it than somebody wants."""


async def buy(name: str, quantity: int, email: str, main: AsyncSession, analytics: AsyncSession) -> Order:
    """Take an item from the stock, and write the sale down in both databases.

    Raises:
        NoSuchItemError: there is no such item.
        SoldOutError: there are not so many of it.
    """
    item = await main.get(Item, name, with_for_update=True)  # whoever else buys it waits
    if item is None:
        raise NoSuchItemError(f"there is no {name}")
    order = Order(item=name, quantity=quantity, email=email)
    main.add(order)
    analytics.add(Sale(item=name, cents=quantity * item.price))
    await main.flush()  # sent, not stored; order.id is known now
    await analytics.flush()
    if item.stock < quantity:
        raise SoldOutError(f"only {item.stock} of {name} left")  # what was sent is rolled back, in both
    item.stock -= quantity
    return order


async def goods(main: AsyncSession) -> list[dict[str, int | str]]:
    """What can be bought."""
    items = await main.scalars(select(Item).where(Item.stock > 0).order_by(Item.name))
    return [{"name": item.name, "price": item.price, "stock": item.stock} for item in items]


async def turnover(analytics: AsyncSession) -> dict[str, int]:
    """Cents taken, by item."""
    rows = await analytics.execute(select(Sale.item, func.sum(Sale.cents)).group_by(Sale.item).order_by(Sale.item))
    return {item: int(cents) for item, cents in rows}
