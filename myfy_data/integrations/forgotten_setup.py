"""An application that asks for sessions, and for which `setup` was not called, does not start (contract C6; ADR 50).

Nothing of ours is called while such an application starts. So an adapter, once it is imported, looks at each
application on Starlette that begins its lifespan.
"""

from __future__ import annotations

import copy
import functools
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import NoReturn

from starlette.applications import Starlette
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from myfy_data.errors import DataModuleNotConfiguredError
from myfy_data.integrations.host_contract import STARLETTE
from myfy_data.integrations.routes import with_mounted
from myfy_data.package_contract import verify
from myfy_data.suggestions import listed

_log = logging.getLogger("myfy_data")

Asking = Callable[[Starlette], Iterable[str]]
"""The paths at which an application, without those that are mounted in it, asks for a session."""

_Lifespan = Callable[..., Coroutine[object, None, None]]

_LOOKS = "myfy_data_looks"
"""Of the method in place of `Router.lifespan`: what each adapter looks for, as its newest import says."""

_MODULE = "myfy_data_module"
"""Of a prepared application's router: who gives the sessions. It is known after an import anew, as no class is."""

_NOT_SET_UP = """`setup` was not called for this application, which asks for a session at {}
  fix: setup(app, data) where the app is made; where sessions come another way: `app.state.myfy_data_setup = False`"""


def module_of(app: Starlette) -> object:
    """The module that gives the sessions of an application; None before it is prepared."""
    return getattr(app.router, _MODULE, None)


def mark(app: Starlette, data: object) -> None:
    """Say that a module gives the sessions of an application, whatever stands around its router later."""
    setattr(app.router, _MODULE, data)


def refuse_at_start(adapter: str, asking: Asking) -> None:
    """Refuse to start applications that ask for a session which they would never be given.

    Args:
        adapter: its name; one that is imported anew takes the place of the one before.
        asking: where it sees an application ask.

    Raises:
        UnsupportedPackageError: this version of Starlette does not work.
    """
    verify(STARLETTE)
    if not hasattr(Router.lifespan, _LOOKS):
        Router.lifespan = _looking_first(Router.lifespan)  # type: ignore[method-assign]  # ADR 50
    getattr(Router.lifespan, _LOOKS)[adapter] = functools.partial(_refusal, asking)


def _looking_first(lifespan: _Lifespan) -> _Lifespan:
    looks: dict[str, Callable[[object], Exception | None]] = {}

    @functools.wraps(lifespan)
    async def look_first(router: Router, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = next(filter(None, [look(scope.get("app")) for look in looks.values()]), None)
        if refusal is not None:
            router = copy.copy(router)  # so that Starlette tells it, and nothing of it stays
            router.lifespan_context = functools.partial(_refuse, refusal)
        await lifespan(router, scope, receive, send)

    setattr(look_first, _LOOKS, looks)
    return look_first


def _refusal(asking: Asking, app: object) -> Exception | None:
    try:
        starting = with_mounted(app, _needs_none) if isinstance(app, Starlette) else ()
        paths = [path for each in starting for path in asking(each)]
    except Exception:  # noqa: BLE001 - what an application holds may be anything, and none fails for our look
        _log.debug("could not look whether an application asks for a session: its start goes on", exc_info=True)
        return None
    return DataModuleNotConfiguredError(_NOT_SET_UP.format(listed(paths, most=3))) if paths else None


def _needs_none(app: Starlette) -> bool:
    return module_of(app) is not None or getattr(app.state, "myfy_data_setup", True) is False


def _refuse(refusal: Exception, _app: Starlette) -> NoReturn:
    raise refusal
