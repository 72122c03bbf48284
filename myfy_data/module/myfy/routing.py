"""What a module changes in myfy's container once every module has registered its own, and checks at the end."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from myfy.core.di import Container
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.endpoints.http import Endpoints
from myfy_data.errors import DataModuleError
from myfy_data.module.myfy.container import qualifiers, registrations
from myfy_data.module.myfy.contract import MYFY_WEB
from myfy_data.package_contract import verify
from myfy_data.sessions.token_cookie import TokenCookie
from myfy_data.suggestions import listed

P = ParamSpec("P")
T = TypeVar("T")


def stand_around_handlers(
    container: Container, answers: Callable[[], Endpoints], cookie: Callable[[], TokenCookie | None]
) -> None:
    """Let the application's router give out its routes inside a unit of work.

    The registration is changed, and nothing patched: both ways to make the ASGI application ask the container for it.

    Args:
        container: of the application.
        answers: the paths that modules answer themselves, when every module is there.
        cookie: as `UnitOfWorkRouter` takes it.

    Raises:
        UnsupportedPackageError: this version of myfy-web does not work.
    """
    web = sys.modules.get("myfy.web.routing")
    if web is None:
        return  # an application without a web module
    verify(MYFY_WEB)
    from myfy_data.module.myfy.handlers import UnitOfWorkRouter  # noqa: PLC0415 - it imports myfy.web

    for key, registration in registrations(container).items():
        if key.type is web.Router:
            registration.factory = _wrapping(
                registration.factory, lambda router: UnitOfWorkRouter(router, container, answers, cookie)
            )


def _wrapping(factory: Callable[P, T], wrap: Callable[[T], object]) -> Callable[P, object]:
    @functools.wraps(factory)
    def wrapped(*arguments: P.args, **named: P.kwargs) -> object:
        return wrap(factory(*arguments, **named))

    return wrapped


def check_qualifiers(container: Container) -> None:
    """Refuse providers that ask for a session of a profile which is not there: myfy would leave the argument out.

    Raises:
        DataModuleError: names the provider, the profile, and those that are known.
    """
    known = qualifiers(container, AsyncSession)
    for key, registration in registrations(container).items():
        for needed in registration.dependencies:
            if needed.type is AsyncSession and needed not in registrations(container):
                raise DataModuleError(
                    f"the provider of {key.type.__name__} asks for an AsyncSession for {needed.qualifier!r}; "
                    f"known: {listed(known)}\n  fix: Annotated[AsyncSession, Qualifier({(known or ['...'])[0]!r})]"
                )
