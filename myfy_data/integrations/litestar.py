"""Litestar: `Litestar(plugins=[DataPlugin(data)])`, then `session: AsyncSession` in handlers (contract C6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.asgi import request_session, run_request
from myfy_data.endpoints.http import Answer, serve
from myfy_data.endpoints.paths import EndpointPaths
from myfy_data.engines.cluster.errors import ClusterError
from myfy_data.errors import CommitOutcomeUnknown, DataModuleError
from myfy_data.integrations.host_contract import LITESTAR
from myfy_data.integrations.missing import framework_error
from myfy_data.module.module import DataModule
from myfy_data.package_contract import verify
from myfy_data.sessions.unit_of_work import NO_SERVER, UNKNOWN_OUTCOME, retry_after
from myfy_data.suggestions import listed, nearest

try:
    from litestar import Litestar, Request, Response, asgi
    from litestar.di import Provide
    from litestar.handlers import ASGIRouteHandler
    from litestar.plugins import InitPlugin, ReceiveRoutePlugin
    from litestar.routes import HTTPRoute
    from litestar.types import Receive, Scope, Send
except ImportError as _error:
    raise framework_error("litestar", _error) from _error

if TYPE_CHECKING:
    from litestar.config.app import AppConfig
    from litestar.handlers import HTTPRouteHandler
    from litestar.routes import BaseRoute
    from litestar.types import HTTPScope

__all__ = ["DataPlugin"]


class DataPlugin(InitPlugin, ReceiveRoutePlugin):
    """Gives each request a unit of work, and handlers its sessions as dependencies.

    `session` is the default profile's; `<profile>_session` each named profile's, `-` written as `_`. The module starts
    before the application's own lifespans and stops after them. A COMMIT whose outcome is unknown is answered 503,
    unless the application has a handler for `CommitOutcomeUnknown` (contract C5.3).

    Args:
        data: the module.
        session_key: the name of the default profile's dependency; the others end in it.
        health: the path, such as `"/health"`, that answers whether the databases are well, with `/live` and `/ready`
            below it (contract C12.1); as the module says when None.
        metrics: the path, such as `"/metrics"`, that Prometheus scrapes (contract C12.2); as the module says when None.
        dev: the path, such as `"/_data"`, of a page for development, on this machine alone (contract C12.7).
        read_your_writes: `"cookie"` takes what a client wrote to its next requests (contract C11.4); as the module says
            when None.
        read_your_writes_key: signs that cookie; made of the profiles' passwords when None.

    Raises:
        UnsupportedPackageError: this version of Litestar does not work.
        ConfigError: when the application is made: the configuration cannot be used.
        DataModuleError: then, too: the application has a dependency of such a name, or a handler asks for an
            `AsyncSession` under a name that no dependency has, or a route stands at a path that is answered here.
    """

    def __init__(  # noqa: PLR0913 - the contract's signature
        self,
        data: DataModule,
        session_key: str = "session",
        *,
        health: str | None = None,
        metrics: str | None = None,
        dev: str | None = None,
        read_your_writes: str | None = None,
        read_your_writes_key: str | bytes | None = None,
    ) -> None:
        verify(LITESTAR)
        data.serve_at(EndpointPaths(health=health, metrics=metrics, dev=dev))
        data.carry_tokens(read_your_writes, read_your_writes_key)
        self._data = data
        self._session_key = session_key
        self._known: list[str] = []
        self._route_types: dict[type[HTTPRoute], type[HTTPRoute]] = {}

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the lifespan, the dependencies and the answer to an unknown outcome."""
        if any(isinstance(other, DataPlugin) and other is not self for other in app_config.plugins):
            raise DataModuleError(
                "the application has another DataPlugin already\n"
                "  fix: one plugin with one module, in which each database is a profile: `analytics_session`"
            )
        app_config.lifespan = [self._lifespan, *app_config.lifespan]
        app_config.exception_handlers.setdefault(CommitOutcomeUnknown, _answer_unknown_outcome)
        app_config.exception_handlers.setdefault(ClusterError, _answer_no_server)
        app_config.signature_namespace.setdefault("AsyncSession", AsyncSession)
        self._add(app_config, self._session_key, None)
        for name in self._data.profiles:
            self._add(app_config, f"{name.replace('-', '_')}_{self._session_key}", name)
        app_config.route_handlers = [*app_config.route_handlers, *self._own_answers()]
        return app_config

    def _add(self, app_config: AppConfig, key: str, profile: str | None) -> None:
        if key in app_config.dependencies:
            raise DataModuleError(
                f"the application has a dependency {key!r} of its own\n"
                '  fix: DataPlugin(data, session_key="db_session"), or another name for yours'
            )
        app_config.dependencies[key] = Provide(_provider(profile))
        self._known.append(key)

    def _own_answers(self) -> Iterator[ASGIRouteHandler]:
        for path, answer in self._data.endpoints.answers.items():
            yield asgi(path, opt={"exclude_from_auth": True}, copy_scope=False)(_serving(answer))

    @asynccontextmanager
    async def _lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        async with self._data:
            yield

    def receive_route(self, route: BaseRoute) -> None:
        """Run what the route handles inside a unit of work: below middleware and exception handlers."""
        if isinstance(route, HTTPRoute):
            self._data.endpoints.check_free([route.path])
            for handler in route.route_handlers:
                _check_sessions(handler, self._known)
            kind = type(route)
            if kind not in self._route_types:
                self._route_types[kind] = in_unit_of_work(kind, self._data)
            route.__class__ = self._route_types[kind]


def _check_sessions(handler: HTTPRouteHandler, known: list[str]) -> None:
    # Litestar takes a name that is no dependency for a query parameter, which every request would then be missing.
    dependencies = handler.resolve_dependencies()
    asking = [(f"handler {handler}", handler.parsed_fn_signature)]
    asking += [(f"dependency {key!r}", provide.parsed_fn_signature) for key, provide in dependencies.items()]
    for who, signature in asking:
        for name, parameter in signature.parameters.items():
            if name not in dependencies and parameter.is_subclass_of(AsyncSession):
                raise DataModuleError(_no_such_session(who, name, known))


def _no_such_session(who: str, name: str, known: list[str]) -> str:
    near = nearest(name, known)
    guess = f". Did you mean {near!r}?" if near else ""
    return (
        f"{who}, parameter {name!r}: no dependency gives an AsyncSession under this name; "
        f"known: {listed(known)}{guess}\n"
        f"  fix: rename it to {near or known[0]}"
    )


def _provider(profile: str | None) -> Any:
    async def provide(scope: Scope) -> AsyncSession:
        return request_session(scope, profile)

    return provide


def _serving(answer: Answer) -> Any:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
        await serve(answer, scope, send)

    return handle


def in_unit_of_work(kind: type[HTTPRoute], data: DataModule) -> type[HTTPRoute]:
    class UnitOfWorkRoute(kind):  # type: ignore[misc, valid-type]  # whatever class another plugin has made of it
        __slots__ = ()

        async def handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
            await run_request(data, super().handle, scope, receive, send)

    return UnitOfWorkRoute


def _answer_unknown_outcome(_request: Request[Any, Any, Any], _error: Exception) -> Response[dict[str, Any]]:
    return Response({"status_code": 503, "detail": UNKNOWN_OUTCOME}, status_code=503)


def _answer_no_server(_request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    return Response({"status_code": 503, "detail": NO_SERVER}, status_code=503, headers=retry_after(error))
