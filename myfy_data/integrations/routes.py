"""The routes of an application on Starlette, and the applications that are mounted in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from starlette.applications import Starlette


def every_route(routes: Iterable[object]) -> Iterator[object]:
    """Routes, and those of routers that are mounted or included; not those of mounted applications."""
    waiting, seen = [*routes], set[int]()
    while waiting:
        yield (route := waiting.pop(0))
        inner = _leads_to(route)
        if not isinstance(inner, Starlette) and id(inner) not in seen:
            seen.add(id(inner))
            waiting[:0] = _routes_of(inner) or ()


def place_of(route: object) -> str:
    """The path of a route; its kind where it has none."""
    return getattr(route, "path", None) or type(route).__name__


def mounted(routes: Iterable[object]) -> Iterator[Starlette]:
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
    waiting, seen = [app], set[int]()  # an application may be mounted in itself
    while waiting:
        found = waiting.pop(0)
        if id(found) not in seen and not leave_out(found):
            seen.add(id(found))
            yield found
            waiting[:0] = mounted(found.routes)


def _leads_to(route: object) -> object:
    # A router is included as itself or by its routes, and an application is mounted: FastAPI's versions differ.
    inner, seen = getattr(route, "original_router", None) or getattr(route, "app", None), set[int]()
    while inner is not None and _routes_of(inner) is None and id(inner) not in seen:
        seen.add(id(inner))
        inner = getattr(inner, "app", None)  # of a middleware
    return inner


def _routes_of(inner: object) -> Sequence[object] | None:
    found = getattr(inner, "routes", None)
    return found if isinstance(found, list | tuple) else None  # others may have a method of that name
