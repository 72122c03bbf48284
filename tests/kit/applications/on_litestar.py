"""Handlers on Litestar."""

from app.main import data, fail, listed, read_audit, see, store_audit, store_with
from litestar import Litestar, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import ClientException

from myfy_data import AsyncSession
from myfy_data.integrations.litestar import DataPlugin


@get("/items")
async def items(session: AsyncSession) -> list[str]:
    """All names."""
    return await listed(session)


@post("/items/{name:str}")
async def add(name: str, session: AsyncSession) -> Response[None]:
    """Store one, and let a background task see it."""
    store_with(session, name)
    return Response(None, background=BackgroundTask(see, name))


@post("/fails")
async def fails(session: AsyncSession) -> None:
    """Store one, and fail."""
    await fail(session)
    raise ClientException(status_code=409)


@post("/audit/{place:str}")
async def audit(place: str) -> Response[None]:
    """Use the other profile."""
    if place == "background":
        return Response(None, background=BackgroundTask(store_audit))
    await store_audit()
    return Response(None)


@post("/provided")
async def provided(audit_session: AsyncSession) -> None:
    """Use a session of the other profile that the host provides."""
    await read_audit(audit_session)


app = Litestar([items, add, fails, audit, provided], plugins=[DataPlugin(data)])
