"""Starlette: `setup(app, data)`, then `get_session(request)` in endpoints (contract C6)."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.asgi import ASGIApp, Receive, Scope, Send, request_session, run_request, unit_of_work
from myfy_data.errors import CommitOutcomeUnknown, DataModuleError
from myfy_data.integrations.host_contract import EXCEPTION_HANDLERS, STARLETTE
from myfy_data.integrations.missing import framework_error
from myfy_data.module.module import DataModule
from myfy_data.package_contract import unsupported, verify
from myfy_data.sessions.unit_of_work import UNKNOWN_OUTCOME

try:
    from starlette._utils import is_async_callable
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import PlainTextResponse, Response
except ImportError as error:
    raise framework_error("starlette", error) from error

__all__ = ["get_session", "setup"]

Handlers = Mapping[Any, Callable[..., Any]]


def get_session(request: HTTPConnection, profile: str | None = None) -> AsyncSession:
    """The request's session of a profile: one per request, ended before the response begins.

    Args:
        request: the request; a websocket has no session of its own.
        profile: the profile's name; the module's default when None.

    Raises:
        DataModuleNotConfiguredError: `setup` was not called, this is a websocket, or the module was stopped.
        UnknownProfileError: the profile cannot be opened.
        SessionError: the response has begun.
    """
    return request_session(request.scope, profile)


def setup(app: Starlette, data: DataModule) -> None:
    """Give each request of an application, and of those mounted in it, a unit of work.

    The module starts before the application's own lifespan and stops after it. A COMMIT whose outcome is unknown is
    answered 503, unless the application has a handler for `CommitOutcomeUnknown` (contract C5.3).

    Args:
        app: the application, before it has started.
        data: the module.

    Raises:
        DataModuleError: the application has started, or has another module already.
        UnsupportedPackageError: this version of Starlette does not work.
    """
    install(app, data, answer_unknown_outcome)


def answer_unknown_outcome(_request: Request, _error: Exception) -> Response:
    """503, because nobody may say that the request failed."""
    return PlainTextResponse(UNKNOWN_OUTCOME, status_code=503)


def install(
    app: Starlette,
    data: DataModule,
    on_unknown_outcome: Callable[[Request, Exception], Response],
    check: Callable[[Starlette], None] | None = None,
) -> None:
    """As `setup`, for adapters of frameworks that are built on Starlette.

    Args:
        app: the application.
        data: the module.
        on_unknown_outcome: answers `CommitOutcomeUnknown`.
        check: called when the application starts, before the module does.
    """
    verify(STARLETTE)
    if app.middleware_stack is not None:
        raise DataModuleError("the application has started already\n  fix: call setup(app, data) where the app is made")
    if _prepared(app, data):
        return
    app.exception_handlers.setdefault(CommitOutcomeUnknown, on_unknown_outcome)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Any) -> AsyncIterator[Any]:
        _prepare_mounted(app.routes, data)
        if check is not None:
            check(app)
        async with data, inner(running) as state:
            yield state

    app.router.lifespan_context = lifespan
    _prepare(app, data)


def _prepared(app: Starlette, data: DataModule) -> bool:
    current = app.router.middleware_stack
    if isinstance(current, UnitOfWorkMiddleware) and current.data is not data:
        raise DataModuleError(
            "the application has another DataModule already\n"
            "  fix: one module, in which each database is a profile: data.session('analytics')"
        )
    return isinstance(current, UnitOfWorkMiddleware)


def _prepare(app: Starlette, data: DataModule) -> None:
    app.router.middleware_stack = UnitOfWorkMiddleware(app.router.middleware_stack, data)
    _prepare_mounted(app.routes, data)


def _prepare_mounted(routes: Iterable[Any], data: DataModule) -> None:
    # A mounted application has exception handlers of its own: the unit of work must stand below them.
    for mounted in _mounted(routes):
        if not isinstance(mounted.router.middleware_stack, UnitOfWorkMiddleware):
            _prepare(mounted, data)


def _mounted(routes: Iterable[Any]) -> Iterator[Starlette]:
    for route in routes:
        inner = getattr(route, "app", None)
        while inner is not None and not isinstance(inner, Starlette):
            inner = getattr(inner, "app", None)
        if inner is not None:
            yield inner
        else:
            yield from _mounted(getattr(route, "routes", None) or ())


class UnitOfWorkMiddleware:
    """Stands right around a router, inside the application's own exception handling.

    Args:
        app: the router's application.
        data: gives the sessions.
    """

    def __init__(self, app: ASGIApp, data: DataModule) -> None:
        self.app = app
        self.data = data
        self._marking = _MarkedHandlers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run an HTTP request in a unit of work; anything else as it comes.

        Raises:
            UnsupportedPackageError: Starlette hides the exception handlers, which could answer a failure unnoticed.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self._marking.apply(scope)
        await run_request(self.data, self.app, scope, receive, send)


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


def _marking(handler: Callable[..., Any]) -> Callable[..., Any]:
    def mark(connection: HTTPConnection) -> None:
        if connection.scope["type"] == "http":
            unit_of_work(connection.scope).failed = True

    if is_async_callable(handler):

        @functools.wraps(handler)
        async def marked(connection: HTTPConnection, error: Exception) -> Any:
            mark(connection)
            return await handler(connection, error)

        return marked

    @functools.wraps(handler)
    def marked_sync(connection: HTTPConnection, error: Exception) -> Any:
        mark(connection)
        return handler(connection, error)

    return marked_sync
