"""The routes of an application on Starlette, and the applications that are mounted in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from starlette.applications import Starlette


def every_route(routes: Iterable[Any]) -> Iterator[Any]:
    """Routes, and those of routers that are mounted or included; not those of mounted applications."""
    for route in routes:
        yield route
        inner = _leads_to(route)
        if not isinstance(inner, Starlette):
            yield from every_route(getattr(inner, "routes", ()))


def mounted(routes: Iterable[Any]) -> Iterator[Starlette]:
    """The applications that are mounted in an application or router; not those that are mounted in them."""
    for route in every_route(routes):
        inner = _leads_to(route)
        if isinstance(inner, Starlette):
            yield inner


def with_mounted(app: Starlette, leave_out: Callable[[Starlette], bool] = lambda _app: False) -> Iterator[Starlette]:
    """An application and those that are mounted in it, at any depth.

    Args:
        app: the outermost one.
        leave_out: those that are left out, with what is mounted in them.
    """
    if not leave_out(app):
        yield app
        for inner in mounted(app.routes):
            yield from with_mounted(inner, leave_out)


def _leads_to(route: Any) -> Any:
    # A router is included as itself or by its routes, and an application is mounted: FastAPI's versions differ.
    inner = getattr(route, "original_router", None) or getattr(route, "app", None)
    while inner is not None and not hasattr(inner, "routes"):
        inner = getattr(inner, "app", None)  # of a middleware
    return inner
