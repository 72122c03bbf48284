"""Starlette: `setup(app, data)`, then `get_session(request)` in endpoints (contract C6)."""

from __future__ import annotations

import functools
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.asgi import ASGIApp, Receive, Scope, Send, request_session, run_request, unit_of_work
from myfy_data.endpoints.http import serve
from myfy_data.endpoints.paths import EndpointPaths
from myfy_data.engines.cluster.errors import ClusterError
from myfy_data.errors import CommitOutcomeUnknown, DataModuleError
from myfy_data.function_code import functions_of, names_in
from myfy_data.integrations.host_contract import EXCEPTION_HANDLERS, STARLETTE
from myfy_data.integrations.missing import framework_error
from myfy_data.module.module import DataModule
from myfy_data.package_contract import unsupported, verify
from myfy_data.sessions.unit_of_work import NO_SERVER, UNKNOWN_OUTCOME, retry_after

try:
    from starlette._utils import is_async_callable
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import PlainTextResponse, Response

    from myfy_data.integrations.forgotten_setup import mark, module_of, refuse_at_start
    from myfy_data.integrations.routes import every_route, mounted, place_of
except ImportError as _error:
    raise framework_error("starlette", _error) from _error

__all__ = ["get_session", "setup"]

Handlers = Mapping[Any, Callable[..., Any]]


def get_session(request: HTTPConnection, profile: str | None = None, *, read_only: bool = False) -> AsyncSession:
    """The request's session of a profile: one per request, ended before the response begins.

    Args:
        request: the request; a websocket has no session of its own.
        profile: the profile's name; the module's default when None.
        read_only: another session, whose writes the server refuses, and which may read from a replica (contract C11.2).

    Raises:
        DataModuleNotConfiguredError: `setup` was not called, this is a websocket, or the module was stopped.
        UnknownProfileError: the profile cannot be opened.
        SessionError: the response has begun.
    """
    return request_session(request.scope, profile, read_only=read_only)


def setup(  # noqa: PLR0913 - the contract's signature
    app: Starlette,
    data: DataModule,
    *,
    health: str | None = None,
    metrics: str | None = None,
    dev: str | None = None,
    read_your_writes: str | None = None,
    read_your_writes_key: str | bytes | None = None,
) -> None:
    """Give each request of an application, and of those mounted in it, a unit of work.

    The module starts before the application's own lifespan and stops after it. A COMMIT whose outcome is unknown is
    answered 503, unless the application has a handler for `CommitOutcomeUnknown` (contract C5.3).

    Args:
        app: the application, before it has started.
        data: the module.
        health: the path, such as `"/health"`, that answers whether the databases are well, with `/live` and `/ready`
            below it (contract C12.1); as the module says when None.
        metrics: the path, such as `"/metrics"`, that Prometheus scrapes (contract C12.2); as the module says when None.
        dev: the path, such as `"/_data"`, of a page for development, on this machine alone (contract C12.7).
        read_your_writes: `"cookie"` takes what a client wrote to its next requests (contract C11.4); as the module says
            when None.
        read_your_writes_key: signs that cookie; made of the profiles' passwords when None.

    Raises:
        ConfigError: `health`, `metrics`, `dev` or `read_your_writes` cannot be meant.
        MissingPackageError: `metrics` needs the extra `prometheus`.
        DataModuleError: the application has started, or has another module already; at start: a route of its own
            stands at a path that is answered here.
        UnsupportedPackageError: this version of Starlette does not work.
    """
    data.serve_at(EndpointPaths(health=health, metrics=metrics, dev=dev))
    data.carry_tokens(read_your_writes, read_your_writes_key)

    def check(starting: Starlette) -> None:
        data.endpoints.check_free(getattr(route, "path", None) for route in starting.routes)

    install(app, data, answer_unknown_outcome, answer_no_server, check)


def answer_unknown_outcome(_request: Request, _error: Exception) -> Response:
    """503, because it is unknown whether the request failed."""
    return PlainTextResponse(UNKNOWN_OUTCOME, status_code=503)


def answer_no_server(_request: Request, error: Exception) -> Response:
    """503 with `Retry-After`: no server can serve now (contract C11.3)."""
    return PlainTextResponse(NO_SERVER, status_code=503, headers=retry_after(error))


def install(
    app: Starlette,
    data: DataModule,
    on_unknown_outcome: Callable[[Request, Exception], Response],
    on_no_server: Callable[[Request, Exception], Response],
    check: Callable[[Starlette], None],
) -> None:
    """As `setup`, for adapters of frameworks that are built on Starlette.

    Args:
        app: the application.
        data: the module.
        on_unknown_outcome: answers `CommitOutcomeUnknown`.
        on_no_server: answers `ClusterError`.
        check: called when the application starts, before the module does.
    """
    verify(STARLETTE)
    if app.middleware_stack is not None:
        raise DataModuleError("the application has started already\n  fix: call setup(app, data) where the app is made")
    if _prepared(app, data):
        return
    app.exception_handlers.setdefault(CommitOutcomeUnknown, on_unknown_outcome)
    app.exception_handlers.setdefault(ClusterError, on_no_server)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Starlette) -> AsyncIterator[Any]:
        _prepare_mounted(app.routes, data)
        check(app)
        async with data, inner(running) as state:
            yield state

    app.router.lifespan_context = lifespan
    _prepare(app, data, answers_itself=True)


def _prepared(app: Starlette, data: DataModule) -> bool:
    current = module_of(app)
    if current is not None and current is not data:
        raise DataModuleError(
            "the application has another DataModule already\n"
            "  fix: one module, in which each database is a profile: data.session('analytics')"
        )
    return current is data


def _prepare(app: Starlette, data: DataModule, *, answers_itself: bool = False) -> None:
    app.router.middleware_stack = UnitOfWorkMiddleware(app.router.middleware_stack, data, answers_itself=answers_itself)
    mark(app, data)
    _prepare_mounted(app.routes, data)


def _prepare_mounted(routes: Iterable[object], data: DataModule) -> None:
    # A mounted application has exception handlers of its own: the unit of work must stand below them.
    for inner in mounted(routes):
        if module_of(inner) is None:
            _prepare(inner, data)


class UnitOfWorkMiddleware:
    """Stands right around a router, inside the application's own exception handling.

    Args:
        app: the router's application.
        data: gives the sessions.
        answers_itself: whether what the module answers itself is served here, in no unit of work (contract C12.1).
    """

    def __init__(self, app: ASGIApp, data: DataModule, *, answers_itself: bool = False) -> None:
        self.app = app
        self.data = data
        self._answers_itself = answers_itself
        self._marking = _MarkedHandlers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run an HTTP request in a unit of work; anything else as it comes.

        Raises:
            UnsupportedPackageError: Starlette hides the exception handlers, which could answer a failure unnoticed.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = self.data.endpoints.find(scope) if self._answers_itself else None
        if answer is not None:
            await serve(answer, scope, send)
            return
        self._marking.apply(scope)
        await run_request(self.data, self.app, scope, receive, send)


def names_get_session(function: object) -> bool:
    """Whether a handler, or something that it is wrapped around, says `get_session` in its own code."""
    for found in functions_of(function):
        words = names_in(found)
        known = [found.__globals__.get(word) for word in words]
        is_named = "get_session" in words and (sys.modules[__name__] in known or __name__ in words)
        if is_named or any(value is get_session for value in (found, *known)):
            return True
    return False


def _asking(app: Starlette) -> Iterator[str]:
    for route in every_route(app.routes):
        if names_get_session(getattr(route, "endpoint", None)):
            yield place_of(route)


refuse_at_start("starlette", _asking)


class _MarkedHandlers:
    """Makes an application's exception handlers say that something was raised (contract C5.1).

    Routes call them inside the unit of work, which would see no more than the status of their answer.
    """

    def __init__(self) -> None:
        self._source: tuple[Handlers, ...] = ()
        self._marked: tuple[Handlers, ...] = ()

    def apply(self, scope: Scope) -> None:
        source = scope.get(EXCEPTION_HANDLERS)
        if source is None:  # nothing was handled yet, so nothing is stored
            raise unsupported(STARLETTE, f"shows no {EXCEPTION_HANDLERS!r} in the request's scope, so none was handled")
        if len(source) != len(self._source) or any(
            mine is not its for mine, its in zip(self._source, source, strict=True)
        ):
            self._source = tuple(source)
            self._marked = tuple({key: _marking(handler) for key, handler in kind.items()} for kind in source)
        scope[EXCEPTION_HANDLERS] = self._marked


def _marking(handler: Callable[..., Any]) -> Callable[..., object]:
    def mark(connection: HTTPConnection) -> None:
        if connection.scope["type"] == "http":
            unit_of_work(connection.scope).failed = True

    if is_async_callable(handler):

        @functools.wraps(handler)
        async def marked(connection: HTTPConnection, error: Exception) -> object:
            mark(connection)
            return await handler(connection, error)

        return marked

    @functools.wraps(handler)
    def marked_sync(connection: HTTPConnection, error: Exception) -> object:
        mark(connection)
        return handler(connection, error)

    return marked_sync
