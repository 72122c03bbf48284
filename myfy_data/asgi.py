"""The unit of work of an HTTP request, for any ASGI framework (contract C5, C6).

It stands right around the router: what the router answers, or raises, decides. The transaction ends before the first
byte of the response leaves, so what is answered is what is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.engines.cluster.own_writes import request_notes
from myfy_data.errors import DataModuleNotConfiguredError
from myfy_data.module.module import DataModule
from myfy_data.sessions.unit_of_work import UnitOfWork

Scope = Any  # a mapping, as a message is; each framework types them in its own way
Message = Any
Header = tuple[bytes, bytes]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_KEY = "myfy_data.unit_of_work"
_NOT_SET_UP = """outside of a unit of work: `setup` was not called for this application, or a middleware asks
  fix: setup(app, data) where the app is made; in a middleware: `async with data.session() as session:`"""
_IN_A_WEBSOCKET = """a websocket has no session of its own
  fix: open one for each step: `async with data.session() as session:`"""


def unit_of_work(scope: Scope) -> UnitOfWork:
    """The unit of work of the request.

    Raises:
        DataModuleNotConfiguredError: none has begun.
    """
    return _of(scope)[1]


def request_session(scope: Scope, profile: str | None = None, *, read_only: bool = False) -> AsyncSession:
    """The request's session of a profile; the same one for each call.

    Args:
        scope: the request's ASGI scope.
        profile: the profile's name; the module's default when None.
        read_only: another one, whose writes the server refuses, and which may read from a replica (contract C11.2).

    Raises:
        DataModuleNotConfiguredError: no unit of work has begun, or the module was stopped.
        UnknownProfileError: the profile cannot be opened.
        SessionError: the response has begun, so the unit of work has ended.
    """
    data, unit = _of(scope)
    return unit.session(data.get_session_factory(profile), read_only=read_only)


def _of(scope: Scope) -> tuple[DataModule, UnitOfWork]:
    found: tuple[DataModule, UnitOfWork] | None = scope.get(_KEY)
    if found is None:
        raise DataModuleNotConfiguredError(_IN_A_WEBSOCKET if scope["type"] == "websocket" else _NOT_SET_UP)
    return found


async def run_request(data: DataModule, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run an application inside a unit of work, which ends before the response begins.

    Args:
        data: gives the sessions.
        app: what answers the request; it finds the unit of work in its scope.
        scope: of an HTTP request.
        receive: as ASGI hands it over.
        send: as ASGI hands it over.

    Raises:
        BaseException: what the application raised; or, when the unit of work could not be committed, the error of
            that instead of the response, of which nothing was sent.
    """
    log = data.endpoints.log
    if log is None:
        await _run(data, app, scope, receive, send)
        return
    with log.note(scope["method"], scope["path"]) as noted:
        await _run(data, app, scope, receive, noted.watch(send))


async def _run(data: DataModule, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    unit = UnitOfWork()
    gate = _ResponseGate(unit, send)
    cookie = data.token_cookie
    carried = cookie.open(scope["headers"], is_secure=scope["scheme"] == "https") if cookie is not None else None
    outer = scope.get(_KEY)
    scope[_KEY] = (data, unit)
    try:
        with request_notes(carried.brought if carried is not None else None) as notes:
            if carried is not None:
                gate.header = partial(carried.header, notes)
            await app(scope, receive, gate.send)
    except BaseException as error:
        if not unit.ended:
            await unit.roll_back(after=error)
        if gate.failure is None:
            raise
    finally:
        scope[_KEY] = outer  # a mounted application may have a unit of work of its own
    if gate.failure is not None:
        raise gate.failure  # from here: outside, no response has begun
    if not unit.ended:
        await unit.roll_back()  # nothing was answered


class _ResponseGate:
    """Lets a response pass once the unit of work has ended well, and nothing of it otherwise."""

    __slots__ = ("_send", "_unit", "failure", "header")

    def __init__(self, unit: UnitOfWork, send: Send) -> None:
        self._unit = unit
        self._send = send
        self.header: Callable[[], Awaitable[Header | None]] | None = None
        self.failure: BaseException | None = None

    async def send(self, message: Message) -> None:
        if self.failure is not None:
            return  # what is left of the response that will be replaced
        if message["type"] == "http.response.start" and not self._unit.ended:
            try:
                await self._unit.end(message["status"])
                header = await self.header() if self.header is not None else None
            except BaseException as error:
                self.failure = error
                raise  # stops the body and the background tasks
            if header is not None:
                message = {**message, "headers": [*message.get("headers", ()), header]}
        await self._send(message)
