"""A shop on Litestar, with a database for orders and one for events. Run it in this folder: `uvicorn app:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Request, Response, get, post, put
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import ClientException
from litestar.response import Stream
from models import Event, EventBase, Item, Order, ShopBase
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from myfy_data import AsyncSession, DataModule, load_settings
from myfy_data.integrations.litestar import DataPlugin

settings = load_settings()
make_tables = settings.environment in ("development", "test")  # in production, migrations do
data = DataModule(settings=settings, auto_create_tables=make_tables, metadata=ShopBase.metadata)


@asynccontextmanager
async def lifespan(_: Litestar) -> AsyncIterator[None]:
    """Runs inside the module's own: `data` has started, and created the tables of the default profile."""
    if make_tables:
        async with data.get_engine("analytics").begin() as connection:
            await connection.run_sync(EventBase.metadata.create_all)
    yield


def not_found(_request: Request, _error: NoResultFound) -> Response[dict[str, str]]:
    """An exception that is answered was raised all the same: its request is rolled back."""
    return Response({"detail": "there is no such thing"}, status_code=404)


@put("/items/{name:str}", status_code=204)
async def restock(name: str, left: int, session: AsyncSession) -> None:
    """Committed before the 204 leaves."""
    await session.merge(Item(name=name, left=left))


@post("/orders")
async def buy(
    name: str, quantity: int, session: AsyncSession, analytics_session: AsyncSession
) -> Response[dict[str, int]]:
    """Two databases in one request: an exception leaves nothing behind in either."""
    analytics_session.add(Event(what=f"bought {quantity} {name}"))
    item = await session.get_one(Item, name, with_for_update=True)
    item.left -= quantity
    session.add(order := Order(item=name, quantity=quantity))
    await session.flush()  # sent, not stored; order.id is known now
    if item.left < 0:
        raise ClientException(f"no {quantity} {name} left", status_code=409)
    return Response({"order": order.id}, background=BackgroundTask(send_receipt, order.id))


async def send_receipt(order_id: int) -> None:
    """A background task runs after the commit, and opens a session of its own."""
    async with data.session() as session:
        order = await session.get_one(Order, order_id)
        order.receipt_sent = True


@get("/orders.csv")
async def export() -> Stream:
    """A stream begins after the request's sessions have ended, and opens one of its own."""

    async def lines() -> AsyncIterator[str]:
        async with data.session(read_only=True) as session:
            async for order in await session.stream_scalars(select(Order).order_by(Order.id)):
                yield f"{order.id},{order.item},{order.quantity}\n"

    return Stream(lines(), media_type="text/csv")


@get("/events")
async def events(analytics_session: AsyncSession) -> list[str]:
    """Reads the second profile only: the first is not even connected to."""
    return list(await analytics_session.scalars(select(Event.what).order_by(Event.id)))


app = Litestar(
    [restock, buy, export, events],
    plugins=[DataPlugin(data)],
    lifespan=[lifespan],
    exception_handlers={NoResultFound: not_found},
)
