"""FastAPI: `setup(app, data)`, then `session: Session` in handlers (contract C6)."""

# Annotations are not postponed here: FastAPI 0.116 cannot resolve those of an object that it calls.
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.endpoints.paths import EndpointPaths
from myfy_data.integrations.host_contract import FASTAPI
from myfy_data.integrations.missing import framework_error
from myfy_data.module.module import DataModule
from myfy_data.module.profiles import resolve_profile
from myfy_data.package_contract import verify
from myfy_data.sessions.unit_of_work import NO_SERVER, UNKNOWN_OUTCOME, retry_after

try:
    from fastapi import Depends, FastAPI, routing
    from fastapi.responses import JSONResponse
except ImportError as _error:
    raise framework_error("fastapi", _error) from _error

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from myfy_data.integrations.forgotten_setup import refuse_at_start
from myfy_data.integrations.routes import every_route, place_of, with_mounted
from myfy_data.integrations.starlette import get_session, install, names_get_session

__all__ = ["Session", "SessionDependency", "session_for", "setup"]


@dataclass(frozen=True)
class SessionDependency:
    """The dependency that gives the request's session of a profile; the same one for each parameter that asks.

    Equal for the same profile, so that tests can say `app.dependency_overrides[SessionDependency("analytics")]`.

    Attributes:
        profile: the profile's name; the module's default when None.
        read_only: whether it is the request's other session of the profile, whose writes the server refuses, and which
            may read from a replica (contract C11.2).
    """

    profile: str | None = None
    read_only: bool = False

    async def __call__(self, connection: HTTPConnection) -> AsyncSession:
        """The session.

        Raises:
            DataModuleNotConfiguredError: `setup` was not called, or this is a websocket.
            SessionError: the response has begun.
        """
        return get_session(connection, self.profile, read_only=self.read_only)


Session = Annotated[AsyncSession, Depends(SessionDependency())]
"""The request's session of the default profile: `async def handler(session: Session)`."""


def session_for(profile: str, *, read_only: bool = False) -> Any:
    """The annotation for the request's session of a profile, to be given a name of its own.

    `Analytics = session_for("analytics")`, then `session: Analytics` in handlers. Type checkers take no call for a
    type; for them write what this returns:
    `Analytics = Annotated[AsyncSession, Depends(SessionDependency("analytics"))]`.

    Args:
        profile: the profile's name; one that cannot be opened stops the application's start.
        read_only: the request's session that only reads, as `data.session(profile, read_only=True)` (contract C11.2).
    """
    return Annotated[AsyncSession, Depends(SessionDependency(profile, read_only))]


def setup(  # noqa: PLR0913 - the contract's signature
    app: FastAPI,
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
        UnsupportedPackageError: this version of FastAPI or Starlette does not work.
        UnknownProfileError: at start: a handler asks for a profile that cannot be opened.
    """
    verify(FASTAPI)
    data.serve_at(EndpointPaths(health=health, metrics=metrics, dev=dev))
    data.carry_tokens(read_your_writes, read_your_writes_key)

    def check(starting: Starlette) -> None:
        data.endpoints.check_free(getattr(route, "path", None) for route in _as_reached(starting))
        routes = (route for app in with_mounted(starting) for route in every_route(_as_reached(app)))
        calls = (call for route in routes for call in _dependencies(getattr(route, "dependant", None)))
        for profile in sorted({call.profile for call in calls if isinstance(call, SessionDependency) and call.profile}):
            resolve_profile(data.settings, profile)

    install(app, data, _answer_unknown_outcome, _answer_no_server, check)


def _answer_unknown_outcome(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": UNKNOWN_OUTCOME}, status_code=503)


def _answer_no_server(_request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": NO_SERVER}, status_code=503, headers=retry_after(error))


def _as_reached(app: Starlette) -> Iterator[Any]:
    # Where a router is included as itself, its routes are told with the prefix and dependencies of the application.
    told: Iterator[Any] = getattr(routing, "iter_route_contexts", iter)(app.routes)
    return told


def _dependencies(dependant: Any, overrides: Container[Any] = ()) -> Iterator[Any]:
    for inner in getattr(dependant, "dependencies", ()):
        if inner.call not in overrides:
            yield inner.call
            yield from _dependencies(inner, overrides)


def _asking(app: Starlette) -> Iterator[str]:
    overrides = getattr(app, "dependency_overrides", {})
    for route in every_route(_as_reached(app)):
        asked = _dependencies(getattr(route, "dependant", None), overrides)
        if any(isinstance(call, SessionDependency) or names_get_session(call) for call in asked):
            yield place_of(route)


refuse_at_start("fastapi", _asking)
