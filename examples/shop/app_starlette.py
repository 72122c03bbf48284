"""The shop on Starlette: `myfy-data dev -- uvicorn app_starlette:app`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from myfy_data.integrations.starlette import get_session, setup
from shop.database import data
from shop.orders import NoSuchItemError, SoldOutError, buy, goods, turnover
from shop.receipts import send_all


async def items(request: Request) -> JSONResponse:
    """Only reads, so a replica may answer."""
    return JSONResponse(await goods(get_session(request, read_only=True)))


async def order(request: Request) -> JSONResponse:
    """Two databases in one request: both are committed before the answer leaves, or neither is."""
    new = await request.json()
    main, analytics = get_session(request), get_session(request, "analytics")
    stored = await buy(new["item"], int(new["quantity"]), new["email"], main, analytics)
    return JSONResponse({"order": stored.id}, 201, background=BackgroundTask(send_all))  # which runs after the commit


async def sales(request: Request) -> JSONResponse:
    """Reads the second database; the first is not even connected to."""
    return JSONResponse(await turnover(get_session(request, "analytics")))


async def not_found(_request: Request, error: Exception) -> JSONResponse:
    """An exception that is answered was raised all the same: nothing is stored."""
    return JSONResponse({"detail": str(error)}, 404)


async def sold_out(_request: Request, error: Exception) -> JSONResponse:
    """As above."""
    return JSONResponse({"detail": str(error)}, 409)


app = Starlette(
    routes=[Route("/items", items), Route("/orders", order, methods=["POST"]), Route("/turnover", sales)],
    exception_handlers={NoSuchItemError: not_found, SoldOutError: sold_out},
)
setup(app, data)
