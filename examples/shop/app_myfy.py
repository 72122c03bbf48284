"""The shop on myfy: `myfy-data dev -- uvicorn app_myfy:app`."""

from __future__ import annotations

from typing import Annotated

from myfy.core import Application, Qualifier
from myfy.web import WebModule, create_asgi_app_with_lifespan, route
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from myfy.data import AsyncSession, SessionFactory
from shop.database import data
from shop.orders import NoSuchItemError, SoldOutError, buy, goods, turnover

AnalyticsSession = Annotated[AsyncSession, Qualifier("analytics")]


class NewOrder(BaseModel):
    """The body of `POST /orders`."""

    item: str
    quantity: int = Field(ge=1)
    email: str


@route.get("/items")
async def items(factory: SessionFactory) -> list:
    """Only reads, so a replica may answer."""
    async with factory.session_context(read_only=True) as main:
        return await goods(main)


@route.post("/orders")
async def order(body: NewOrder, main: AsyncSession, analytics: AnalyticsSession) -> dict:
    """Two databases in one request: both are committed before the answer leaves, or neither is."""
    try:
        stored = await buy(body.item, body.quantity, body.email, main, analytics)
    except NoSuchItemError as error:
        raise HTTPException(404, str(error)) from error  # nothing is stored
    except SoldOutError as error:
        raise HTTPException(409, str(error)) from error
    return {"order": stored.id}  # its receipt is sent by the job


@route.get("/turnover")
async def sales(analytics: AnalyticsSession) -> dict:
    """Reads the second database; the first is not even connected to."""
    return await turnover(analytics)


application = Application()
application.add_module(WebModule())  # myfy-web 0.1.2 needs the line, 0.1.2a94 does not mind it
application.add_module(data)
app = create_asgi_app_with_lifespan(application)
