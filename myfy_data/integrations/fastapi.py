"""FastAPI: `setup(app, data)`, then `session: Session` in handlers (contract C6)."""

# Annotations are not postponed here: FastAPI 0.116 cannot resolve those of an object that it calls.
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.integrations.host_contract import FASTAPI
from myfy_data.integrations.missing import framework_error
from myfy_data.module.configured import resolve_profile
from myfy_data.module.module import DataModule
from myfy_data.package_contract import verify
from myfy_data.sessions.unit_of_work import UNKNOWN_OUTCOME

try:
    from fastapi import Depends, FastAPI
    from fastapi.responses import JSONResponse
except ImportError as error:
    raise framework_error("fastapi", error) from error

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from myfy_data.integrations.starlette import get_session, install

__all__ = ["Session", "SessionDependency", "session_for", "setup"]


@dataclass(frozen=True)
class SessionDependency:
    """The dependency that gives the request's session of a profile; the same one for each parameter that asks.

    Equal for the same profile, so that tests can say `app.dependency_overrides[SessionDependency("analytics")]`.

    Attributes:
        profile: the profile's name; the module's default when None.
    """

    profile: str | None = None

    async def __call__(self, connection: HTTPConnection) -> AsyncSession:
        """The session.

        Raises:
            DataModuleNotConfiguredError: `setup` was not called, or this is a websocket.
            SessionError: the response has begun.
        """
        return get_session(connection, self.profile)


Session = Annotated[AsyncSession, Depends(SessionDependency())]
"""The request's session of the default profile: `async def handler(session: Session)`."""


def session_for(profile: str) -> Any:
    """The annotation for the request's session of a profile, to be given a name of its own.

    `Analytics = session_for("analytics")`, then `session: Analytics` in handlers. Type checkers take no call for a
    type; for them write what this returns:
    `Analytics = Annotated[AsyncSession, Depends(SessionDependency("analytics"))]`.

    Args:
        profile: the profile's name; one that cannot be opened stops the application's start.
    """
    return Annotated[AsyncSession, Depends(SessionDependency(profile))]


def setup(app: FastAPI, data: DataModule) -> None:
    """Give each request of an application, and of those mounted in it, a unit of work.

    The module starts before the application's own lifespan and stops after it. A COMMIT whose outcome is unknown is
    answered 503, unless the application has a handler for `CommitOutcomeUnknown` (contract C5.3).

    Args:
        app: the application, before it has started.
        data: the module.

    Raises:
        DataModuleError: the application has started, or has another module already.
        UnsupportedPackageError: this version of FastAPI or Starlette does not work.
        UnknownProfileError: at start: a handler asks for a profile that cannot be opened.
    """
    verify(FASTAPI)

    def check(starting: Starlette) -> None:
        for profile in sorted(_profiles_of_routes(starting.routes)):
            resolve_profile(data.settings, profile)

    install(app, data, _answer_unknown_outcome, check)


def _answer_unknown_outcome(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": UNKNOWN_OUTCOME}, status_code=503)


def _profiles_of_routes(routes: Iterable[Any]) -> set[str]:
    found: set[str] = set()
    for route in routes:
        # A router is included as itself or by its routes, and an application is mounted: FastAPI's versions differ.
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        found |= _profiles_of_routes(getattr(inner, "routes", None) or ())
        found.update(_profiles_of_dependant(getattr(route, "dependant", None)))
    return found


def _profiles_of_dependant(dependant: Any) -> Iterator[str]:
    for inner in getattr(dependant, "dependencies", ()):
        if isinstance(inner.call, SessionDependency) and inner.call.profile is not None:
            yield inner.call.profile
        yield from _profiles_of_dependant(inner)
