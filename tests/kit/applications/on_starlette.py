"""Handlers on Starlette."""

from app.main import data, fail, listed, read_audit, see, store_audit, store_with
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from myfy_data.integrations.starlette import get_session, setup


async def items(request: Request) -> Response:
    """All names."""
    return JSONResponse(await listed(get_session(request)))


async def add(request: Request) -> Response:
    """Store one, and let a background task see it."""
    name = request.path_params["name"]
    store_with(get_session(request), name)
    return Response(status_code=201, background=BackgroundTask(see, name))


async def fails(request: Request) -> Response:
    """Store one, and fail."""
    await fail(get_session(request))
    raise HTTPException(409)


async def audit(request: Request) -> Response:
    """Use the other profile."""
    if request.path_params["place"] == "background":
        return Response(status_code=201, background=BackgroundTask(store_audit))
    await store_audit()
    return Response(status_code=201)


async def provided(request: Request) -> Response:
    """Use a session of the other profile that the host provides."""
    await read_audit(get_session(request, "audit"))
    return Response(status_code=201)


app = Starlette(
    routes=[
        Route("/items", items),
        Route("/items/{name}", add, methods=["POST"]),
        Route("/fails", fails, methods=["POST"]),
        Route("/audit/{place}", audit, methods=["POST"]),
        Route("/provided", provided, methods=["POST"]),
    ]
)
setup(app, data)
