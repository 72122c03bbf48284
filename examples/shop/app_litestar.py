"""The shop on Litestar: `myfy-data dev -- uvicorn app_litestar:app`."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Litestar, Request, Response, get, post
from litestar.background_tasks import BackgroundTask

from myfy_data import AsyncSession
from myfy_data.integrations.litestar import DataPlugin
from shop.database import data as databases
from shop.orders import NoSuchItemError, SoldOutError, buy, goods, turnover
from shop.receipts import send_all


@dataclass
class NewOrder:
    """The body of `POST /orders`."""

    item: str
    quantity: int
    email: str


@get("/items")
async def items() -> list[dict[str, int | str]]:
    """Only reads, so a replica may answer."""
    async with databases.session(read_only=True) as main:
        return await goods(main)


@post("/orders")
async def order(data: NewOrder, session: AsyncSession, analytics_session: AsyncSession) -> Response[dict[str, int]]:
    """Two databases in one request: both are committed before the answer leaves, or neither is."""
    stored = await buy(data.item, data.quantity, data.email, session, analytics_session)
    return Response({"order": stored.id}, background=BackgroundTask(send_all))  # which runs after the commit


@get("/turnover")
async def sales(analytics_session: AsyncSession) -> dict[str, int]:
    """Reads the second database; the first is not even connected to."""
    return await turnover(analytics_session)


def not_found(_request: Request, error: Exception) -> Response[dict[str, str]]:
    """An exception that is answered was raised all the same: nothing is stored."""
    return Response({"detail": str(error)}, status_code=404)


def sold_out(_request: Request, error: Exception) -> Response[dict[str, str]]:
    """As above."""
    return Response({"detail": str(error)}, status_code=409)


app = Litestar(
    [items, order, sales],
    plugins=[DataPlugin(databases)],
    exception_handlers={NoSuchItemError: not_found, SoldOutError: sold_out},
)
