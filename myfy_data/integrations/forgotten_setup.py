"""An application that asks for sessions, and for which `setup` was not called, does not start (contract C6; ADR 50).

Nothing of ours is called while such an application starts. So an adapter, once it is imported, looks at each
application on Starlette that begins its lifespan.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Router

from myfy_data.errors import DataModuleNotConfiguredError
from myfy_data.integrations.host_contract import STARLETTE
from myfy_data.integrations.routes import with_mounted
from myfy_data.package_contract import verify
from myfy_data.suggestions import listed

Asking = Callable[[Starlette], Iterable[str]]
"""The paths at which an application, without those that are mounted in it, asks for a session."""

IsPrepared = Callable[[Starlette], bool]
"""Whether each request of an application has a unit of work."""

_NOT_SET_UP = """`setup` was not called for this application, which asks for a session at {}
  fix: setup(app, data) where the app is made"""


def refuse_at_start(asking: Asking, is_prepared: IsPrepared) -> None:
    """Refuse to start applications that ask for a session which they would never be given.

    Raises:
        UnsupportedPackageError: this version of Starlette does not work.
    """
    verify(STARLETTE)
    lifespan = Router.lifespan

    @functools.wraps(lifespan)
    async def ask_first(router: Router, scope: Any, receive: Any, send: Any) -> None:
        app, context = scope.get("app"), router.lifespan_context
        starting = with_mounted(app, is_prepared) if isinstance(app, Starlette) else ()
        paths = [path for each in starting for path in asking(each)]
        if paths:
            router.lifespan_context = functools.partial(_refuse, paths)  # so that Starlette tells it
        try:
            await lifespan(router, scope, receive, send)
        finally:
            router.lifespan_context = context

    Router.lifespan = ask_first  # type: ignore[assignment]  # a method is put in its place: ADR 50


def _refuse(paths: list[str], _app: Starlette) -> Any:
    raise DataModuleNotConfiguredError(_NOT_SET_UP.format(listed(paths, most=3)))
