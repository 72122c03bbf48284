"""Routes of myfy for what a module answers itself (contract C12.1)."""

from __future__ import annotations

from typing import Any

from myfy.web.context import get_request_context
from myfy.web.routing import HTTPMethod, Route
from starlette.responses import Response

from myfy_data.endpoints.http import Answer


def own_route(path: str, answer: Answer) -> Route:
    """A GET route, in no unit of work; what it answers is sent as it is."""

    async def handle() -> Response:
        context: Any = get_request_context()  # set by myfy around each handler
        response = await answer(context.request.scope)
        return Response(response.body, response.status, dict(response.header_pairs()))

    return Route(path=path, method=HTTPMethod.GET, handler=handle, name=None)
