"""The shop on FastAPI: `myfy-data dev -- uvicorn app_fastapi:app`."""

from __future__ import annotations

from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.integrations.fastapi import Session, SessionDependency, setup
from shop.database import data
from shop.orders import NoSuchItemError, SoldOutError, buy, goods, turnover
from shop.receipts import send_all

Analytics = Annotated[AsyncSession, Depends(SessionDependency("analytics"))]
Reader = Annotated[AsyncSession, Depends(SessionDependency("main", read_only=True))]  # in production a replica's

app = FastAPI()
setup(app, data)


class NewOrder(BaseModel):
    """The body of `POST /orders`."""

    item: str
    quantity: int = Field(ge=1)
    email: str


@app.get("/items")
async def items(main: Reader) -> list[dict[str, int | str]]:
    """Only reads, so a replica may answer."""
    return await goods(main)


@app.post("/orders", status_code=201)
async def order(new: NewOrder, main: Session, analytics: Analytics, background: BackgroundTasks) -> dict[str, int]:
    """Two databases in one request: both are committed before the answer leaves, or neither is."""
    stored = await buy(new.item, new.quantity, new.email, main, analytics)
    background.add_task(send_all)  # runs after the commit
    return {"order": stored.id}


@app.get("/turnover")
async def sales(analytics: Analytics) -> dict[str, int]:
    """Reads the second database; the first is not even connected to."""
    return await turnover(analytics)


@app.exception_handler(NoSuchItemError)
async def not_found(_request: Request, error: Exception) -> JSONResponse:
    """An exception that is answered was raised all the same: nothing is stored."""
    return JSONResponse({"detail": str(error)}, 404)


@app.exception_handler(SoldOutError)
async def sold_out(_request: Request, error: Exception) -> JSONResponse:
    """As above."""
    return JSONResponse({"detail": str(error)}, 409)
