"""Handlers on myfy."""

from typing import Annotated

from app.main import data, fail, listed, read_audit, see, store_audit, store_with
from myfy.core import Application, Qualifier
from myfy.web import WebModule, create_asgi_app_with_lifespan, route
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.responses import Response

from myfy.data import AsyncSession


@route.get("/items")
async def items(session: AsyncSession) -> list:
    """All names."""
    return await listed(session)


@route.post("/items/{name}")
async def add(name: str, session: AsyncSession) -> Response:
    """Store one, and let a background task see it."""
    store_with(session, name)
    return Response(status_code=201, background=BackgroundTask(see, name))


@route.post("/fails")
async def fails(session: AsyncSession) -> Response:
    """Store one, and fail."""
    await fail(session)
    raise HTTPException(409)


@route.post("/audit/{place}")
async def audit(place: str) -> Response:
    """Use the other profile."""
    if place == "background":
        return Response(status_code=201, background=BackgroundTask(store_audit))
    await store_audit()
    return Response(status_code=201)


@route.post("/provided")
async def provided(other: Annotated[AsyncSession, Qualifier("audit")]) -> Response:
    """Use a session of the other profile that the host provides."""
    await read_audit(other)
    return Response(status_code=201)


application = Application()
application.add_module(WebModule())
application.add_module(data)
app = create_asgi_app_with_lifespan(application)
