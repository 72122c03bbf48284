"""A shop on Starlette, with a database for orders and one for events. Run it in this folder: `uvicorn app:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from models import Event, EventBase, Item, Order, ShopBase
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from myfy_data import DataModule, load_settings
from myfy_data.integrations.starlette import get_session, setup

settings = load_settings()
make_tables = settings.environment in ("development", "test")  # in production, migrations do
data = DataModule(settings=settings, auto_create_tables=make_tables, metadata=ShopBase.metadata)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Runs inside the module's own: `data` has started, and created the tables of the default profile."""
    if make_tables:
        async with data.get_engine("analytics").begin() as connection:
            await connection.run_sync(EventBase.metadata.create_all)
    yield


async def not_found(_request: Request, _error: Exception) -> Response:
    """An exception that is answered was raised all the same: its request is rolled back."""
    return JSONResponse({"detail": "there is no such thing"}, 404)


async def restock(request: Request) -> Response:
    """Committed before the 204 leaves."""
    item = Item(name=request.path_params["name"], left=int(request.query_params["left"]))
    await get_session(request).merge(item)
    return Response(status_code=204)


async def buy(request: Request) -> Response:
    """Two databases in one request: an exception leaves nothing behind in either."""
    session, analytics = get_session(request), get_session(request, "analytics")
    name, quantity = request.query_params["name"], int(request.query_params["quantity"])
    analytics.add(Event(what=f"bought {quantity} {name}"))
    item = await session.get_one(Item, name, with_for_update=True)
    item.left -= quantity
    session.add(order := Order(item=name, quantity=quantity))
    await session.flush()  # sent, not stored; order.id is known now
    if item.left < 0:
        raise HTTPException(409, f"no {quantity} {name} left")
    return JSONResponse({"order": order.id}, 201, background=BackgroundTask(send_receipt, order.id))


async def send_receipt(order_id: int) -> None:
    """A background task runs after the commit, and opens a session of its own."""
    async with data.session() as session:
        order = await session.get_one(Order, order_id)
        order.receipt_sent = True


async def export(_: Request) -> Response:
    """A stream begins after the request's sessions have ended, and opens one of its own."""

    async def lines() -> AsyncIterator[str]:
        async with data.session(read_only=True) as session:
            async for order in await session.stream_scalars(select(Order).order_by(Order.id)):
                yield f"{order.id},{order.item},{order.quantity}\n"

    return StreamingResponse(lines(), media_type="text/csv")


async def events(request: Request) -> Response:
    """Reads the second profile only: the first is not even connected to."""
    found = await get_session(request, "analytics").scalars(select(Event.what).order_by(Event.id))
    return JSONResponse(list(found))


app = Starlette(
    lifespan=lifespan,
    exception_handlers={NoResultFound: not_found},
    routes=[
        Route("/items/{name}", restock, methods=["PUT"]),
        Route("/orders", buy, methods=["POST"]),
        Route("/orders.csv", export),
        Route("/events", events),
    ],
)
setup(app, data)
