"""A shop on FastAPI, with a database for orders and one for events. Run it in this folder: `uvicorn app:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from models import Event, EventBase, Item, Order, ShopBase
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DataModule, load_settings
from myfy_data.integrations.fastapi import Session, SessionDependency, setup

settings = load_settings()
make_tables = settings.environment in ("development", "test")  # in production, migrations do
data = DataModule(settings=settings, auto_create_tables=make_tables, metadata=ShopBase.metadata)
Analytics = Annotated[AsyncSession, Depends(SessionDependency("analytics"))]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Runs inside the module's own: `data` has started, and created the tables of the default profile."""
    if make_tables:
        async with data.get_engine("analytics").begin() as connection:
            await connection.run_sync(EventBase.metadata.create_all)
    yield


app = FastAPI(lifespan=lifespan)
setup(app, data)


@app.exception_handler(NoResultFound)
async def not_found(_request: Request, _error: NoResultFound) -> JSONResponse:
    """An exception that is answered was raised all the same: its request is rolled back."""
    return JSONResponse({"detail": "there is no such thing"}, 404)


@app.put("/items/{name}")
async def restock(name: str, left: int, session: Session) -> None:
    """Committed before the answer leaves."""
    await session.merge(Item(name=name, left=left))


@app.post("/orders", status_code=201)
async def buy(
    name: str, quantity: int, session: Session, analytics: Analytics, background: BackgroundTasks
) -> dict[str, int]:
    """Two databases in one request: an exception leaves nothing behind in either."""
    analytics.add(Event(what=f"bought {quantity} {name}"))
    item = await session.get_one(Item, name, with_for_update=True)
    item.left -= quantity
    session.add(order := Order(item=name, quantity=quantity))
    await session.flush()  # sent, not stored; order.id is known now
    if item.left < 0:
        raise HTTPException(409, f"no {quantity} {name} left")
    background.add_task(send_receipt, order.id)
    return {"order": order.id}


async def send_receipt(order_id: int) -> None:
    """A background task runs after the commit, and opens a session of its own."""
    async with data.session() as session:
        order = await session.get_one(Order, order_id)
        order.receipt_sent = True


@app.get("/orders.csv")
async def export() -> StreamingResponse:
    """A stream begins after the request's sessions have ended, and opens one of its own."""

    async def lines() -> AsyncIterator[str]:
        async with data.session(read_only=True) as session:
            async for order in await session.stream_scalars(select(Order).order_by(Order.id)):
                yield f"{order.id},{order.item},{order.quantity}\n"

    return StreamingResponse(lines(), media_type="text/csv")


@app.get("/events")
async def events(analytics: Analytics) -> list[str]:
    """Reads the second profile only: the first is not even connected to."""
    return list(await analytics.scalars(select(Event.what).order_by(Event.id)))
