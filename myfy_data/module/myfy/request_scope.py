"""The unit of work of a request in myfy's request scope."""

from __future__ import annotations

import sys

from myfy.core.di import ScopeContext
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.sessions.factory import SessionFactory
from myfy_data.sessions.session import ProfileSession
from myfy_data.sessions.unit_of_work import UnitOfWork

_KEY = "myfy_data.unit_of_work"


def request_session(factory: SessionFactory) -> AsyncSession:
    """The session of a profile for the running request; the same one in the handler and in its providers (seed S7)."""
    return request_unit().session(factory)


def request_unit() -> RequestUnit:
    """The unit of work of the running request."""
    bag = ScopeContext.get_request_bag()
    unit: RequestUnit | None = bag.get(_KEY)
    if unit is None:
        unit = bag[_KEY] = RequestUnit(handled=not _in_web_request())
    return unit


def _in_web_request() -> bool:
    context = sys.modules.get("myfy.web.context")  # an application without it has no web requests
    return context is not None and context.get_request_context() is not None


class RequestUnit(UnitOfWork):
    """A unit of work that myfy-web 0.1.2a94 cannot end.

    After each request it calls `commit()` on what it finds in the request scope under a key that holds "AsyncSession",
    whatever came of the request, and also when the handler never ran because another dependency failed. So a session
    cannot be committed before the handler has begun (providers are synchronous: they could not have), and leaves the
    request scope when it ends.

    Args:
        handled: whether the handler has begun; also true where no handler will.
    """

    __slots__ = ("_handled",)

    def __init__(self, *, handled: bool) -> None:
        super().__init__()
        self._handled = handled

    def session(self, factory: SessionFactory, *, read_only: bool = False) -> AsyncSession:
        """As `UnitOfWork.session`."""
        session = super().session(factory, read_only=read_only)
        if not self._handled:
            session.commit = _not_yet  # type: ignore[method-assign]  # until `begin`
        return session

    def begin(self) -> None:
        """The handler begins: from now on sessions are its own."""
        self._handled = True
        for session in self._sessions.values():
            vars(session).pop("commit", None)

    def leave_scope(self) -> None:
        """Take the sessions out of the request scope."""
        bag = ScopeContext.get_request_bag()
        for key in [key for key, value in bag.items() if isinstance(value, ProfileSession)]:
            del bag[key]


async def _not_yet() -> None:
    """Commit nothing."""
