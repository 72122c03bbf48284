"""Handlers inside a unit of work, and with the databases that their annotations name (contract C5, C6).

myfy turns exceptions into responses below any ASGI position, so the unit of work stands around the handler itself. It
drops what `Annotated` adds to a type, and takes settings models for request bodies; both are mended here.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from myfy.core.di import Container, Qualifier
from myfy.core.di.types import ProviderKey
from myfy.web.context import get_request_context
from myfy.web.handlers import HandlerExecutor
from myfy.web.routing import Route, Router
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from myfy_data.endpoints.http import Endpoints, Noting
from myfy_data.engines.cluster.errors import ClusterError
from myfy_data.engines.cluster.own_writes import request_notes
from myfy_data.errors import CommitOutcomeUnknown, DataModuleError
from myfy_data.module.myfy.answers import answer_with
from myfy_data.module.myfy.container import qualifiers, registrations
from myfy_data.module.myfy.own_routes import own_route
from myfy_data.module.myfy.request_scope import request_unit
from myfy_data.sessions.token_cookie import CarriedTokens, TokenCookie
from myfy_data.sessions.unit_of_work import NO_SERVER, UNKNOWN_OUTCOME, retry_after
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.suggestions import listed, nearest

_SETTINGS = (DataSettings, DatabaseSettings)


class UnitOfWorkRouter(Router):  # type: ignore[misc]  # myfy ships no types that mypy may see on Python 3.11
    """A router whose routes run in a unit of work; it shares the routes of the one that it stands for.

    Args:
        router: the application's router; routes may be added to it later.
        container: gives what handlers ask for by a qualifier.
        answers: the paths that modules answer themselves, when the routes are asked for.
        cookie: gives what takes clients' writes to their next requests, at a request (contract C11.4).
    """

    def __init__(
        self,
        router: Router,
        container: Container,
        answers: Callable[[], Endpoints],
        cookie: Callable[[], TokenCookie | None],
    ) -> None:
        super().__init__()
        self._routes = router._routes  # noqa: SLF001 - the same list, so that later routes are seen
        self._router = router
        self._container = container
        self._answers = answers
        self._cookie = cookie

    def get_routes(self) -> list[Route]:
        """The routes, each handler inside a unit of work.

        Raises:
            DataModuleError: a handler's annotations cannot be resolved, or name a database that is not there; or a
                route stands at a path that is answered by a module itself.
        """
        routes = self._router.get_routes()
        own = self._answers()
        own.check_free(route.path for route in routes)
        return [
            *(own_route(path, answer) for path, answer in own.answers.items()),
            *(
                _noted(_in_unit_of_work(route, self._router, self._container, self._cookie), own.log)
                for route in routes
            ),
        ]


def _in_unit_of_work(
    route: Route, router: Router, container: Container, cookie: Callable[[], TokenCookie | None]
) -> Route:
    handler = route.handler
    hints = _resolve_hints(handler)
    own = _own_parameters(handler, hints, container)
    respond = _responder(route, container)

    @functools.wraps(handler)
    async def handle(**arguments: object) -> Response:
        async def answer() -> Response:
            named = {name: container.get(kind, qualifier) for name, (kind, qualifier) in own.items()}
            result = handler(**arguments, **named)
            return await answer_with(await result if inspect.isawaitable(result) else result, respond)

        return await _run(answer, cookie())

    handle.__annotations__ = hints
    return dataclasses.replace(
        route,
        handler=handle,
        dependencies=[name for name in route.dependencies if name not in own],
        body_param=_body_parameter(route, router, hints, own),
    )


def _noted(route: Route, log: Noting | None) -> Route:
    """The same route, whose requests are noted where the page of development is served."""
    if log is None:
        return route
    handler = route.handler

    @functools.wraps(handler)
    async def handle(**arguments: object) -> Response:
        context = get_request_context()
        with log.note(route.method.value, context.path if context is not None else route.path) as noted:
            try:
                response: Response = await handler(**arguments)
            except HTTPException as error:
                noted.status = error.status_code
                raise
            noted.status = response.status_code
            return response

    handle.__annotations__ = handler.__annotations__  # from Python 3.14 on, `wraps` copies what computes them instead
    return dataclasses.replace(route, handler=handle)


async def _run(answer: Callable[[], Awaitable[Response]], cookie: TokenCookie | None) -> Response:
    """Let a handler answer inside the request's unit of work; its outcome decides (contract C5)."""
    carried = _carried(cookie)
    with request_notes(carried.brought if carried is not None else None) as notes:
        return await _run_noted(answer, partial(carried.header, notes) if carried is not None else None)


def _carried(cookie: TokenCookie | None) -> CarriedTokens | None:
    context = get_request_context()
    if cookie is None or context is None:
        return None
    return cookie.open(context.request.scope["headers"], is_secure=context.request.url.scheme == "https")


async def _run_noted(
    answer: Callable[[], Awaitable[Response]], header: Callable[[], Awaitable[tuple[bytes, bytes] | None]] | None
) -> Response:
    unit = request_unit()
    unit.begin()
    try:
        response = await answer()
        await unit.end(response.status_code)
        carried = await header() if header is not None else None
        if carried is not None:
            response.raw_headers.append(carried)
    except BaseException as error:
        if not unit.ended:
            await unit.roll_back(after=error)
        if isinstance(error, CommitOutcomeUnknown):
            raise HTTPException(503, UNKNOWN_OUTCOME) from error
        if isinstance(error, ClusterError):
            # Not an HTTPException: the router drops its headers.
            return JSONResponse({"detail": NO_SERVER}, status_code=503, headers=retry_after(error))
        raise
    finally:
        unit.leave_scope()
    return response


def _responder(route: Route, container: Container) -> Callable[[object], Response]:
    """What makes the response of a handler's result; it hands a finished response through."""
    make: Callable[..., Response] = HandlerExecutor(container)._make_response  # noqa: SLF001 - myfy's own rules
    if "status_code" not in vars(route):  # myfy-web 0.1.2
        return make
    status: int | None = vars(route)["status_code"]
    return lambda result: make(result, status)


def _resolve_hints(handler: Callable[..., object]) -> dict[str, object]:
    try:
        return get_type_hints(handler, include_extras=True)
    except NameError as error:
        raise DataModuleError(
            f"handler {_name(handler)}: an annotation cannot be resolved: {error}\n"
            "  fix: import the name at the top of the module, outside of `if TYPE_CHECKING`"
        ) from None


def _own_parameters(
    handler: Callable[..., object], hints: Mapping[str, object], container: Container
) -> dict[str, tuple[type, str | None]]:
    """The parameters that we fill ourselves: type and qualifier by name."""
    own: dict[str, tuple[type, str | None]] = {}
    for name in inspect.signature(handler).parameters:
        kind, qualifier = _split(hints.get(name))
        if qualifier is not None:
            _check_registered(handler, name, ProviderKey(kind, qualifier), container)
            own[name] = (kind, qualifier)
        elif kind in _SETTINGS and ProviderKey(kind) in registrations(container):
            own[name] = (kind, None)
    return own


def _split(hint: object) -> tuple[Any, str | None]:
    if get_origin(hint) is not Annotated:
        return hint, None
    kind, *extras = get_args(hint)
    return kind, next((str(extra) for extra in extras if isinstance(extra, Qualifier)), None)


def _check_registered(handler: Callable[..., object], name: str, key: ProviderKey, container: Container) -> None:
    if key in registrations(container):
        return
    known = qualifiers(container, key.type)
    near = nearest(str(key.qualifier), known)
    hint = f". Did you mean {near!r}?" if near else ""
    raise DataModuleError(
        f"handler {_name(handler)}, parameter {name!r}: there is no {key.type.__name__} for {str(key.qualifier)!r}; "
        f"known: {listed(known)}{hint}\n"
        f"  fix: Annotated[{key.type.__name__}, Qualifier({near or (known or ['...'])[0]!r})]"
    )


def _body_parameter(route: Route, router: Router, hints: Mapping[str, object], own: Mapping[str, object]) -> str | None:
    """The parameter for the request's body: myfy keeps the last one that looks like one, which may be ours."""
    if route.body_param not in own:
        return route.body_param  # type: ignore[no-any-return]  # as above
    looks_like_body = router._is_body_type  # noqa: SLF001 - myfy's own rule
    claimed = {*route.path_params, *route.dependencies, *own}
    rest = [name for name in inspect.signature(route.handler).parameters if name not in claimed]
    for name in reversed(rest):
        if looks_like_body(_split(hints.get(name))[0]):
            return name
    return None


def _name(handler: Callable[..., object]) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"
