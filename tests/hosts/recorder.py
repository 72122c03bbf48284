"""Stands between the server and an application: sees what is stored at the moment the response starts."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tests.clock import deadline_of
from tests.hosts.tables import count_notes

SCENE = "tests.hosts.scene"
ROWS_AT_START = b"rows-at-start"
BESIDE = "/-/"
"""Paths that are answered here, and never reach the application."""


@dataclass
class Scene:
    """Where the requests of one application happen; each finds it in its scope.

    Attributes:
        database: `sqlite`, `postgresql` or `mysql`.
        open: a session of one's own, outside any request.
        checked_out: connections in use, per profile.
        patience: seconds until a statement without an answer has failed.
    """

    database: str
    open: Callable[[], AbstractAsyncContextManager[AsyncSession]]
    checked_out: Callable[[], dict[str, int]]
    patience: float
    _events: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def event(self, name: str) -> asyncio.Event:
        """An event that both a handler and the test know by name."""
        return self._events[name]


class Witness:
    """An ASGI application around the one under test.

    Args:
        app: the application under test.
        scene: put into each request's scope.
        engine: connects to the database straight, and commits by itself.
    """

    def __init__(self, app: Any, scene: Scene, engine: AsyncEngine) -> None:
        self._app = app
        self._scene = scene
        self._engine = engine
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == f"{BESIDE}broken":
            await send({"type": "http.response.body"})  # before its start
        elif scope["path"].startswith(BESIDE):
            await self._answer(await self._beside(scope["path"].removeprefix(BESIDE)), send)
        else:
            await self._watch(scope, receive, send)

    async def _watch(self, scope: Any, receive: Any, send: Any) -> None:
        async def watched(message: Any) -> None:
            if message["type"] == "http.response.start":
                stored = await self._stored(scope["path"].rpartition("/")[2])
                headers = [*message.get("headers", ()), (ROWS_AT_START, str(stored).encode())]
                message = {**message, "headers": headers}
            await send(message)

        self._running += 1
        self._idle.clear()
        try:
            async with self._looking_out(scope["path"], receive):
                await self._app({**scope, SCENE: self._scene}, receive, watched)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    @asynccontextmanager
    async def _looking_out(self, path: str, receive: Any) -> AsyncIterator[None]:
        """Notice when the client of the act `waited` leaves; the application reads no message itself there."""
        if "/waited/" not in path:
            yield
            return

        async def look_out() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self._scene.event(f"{path.rpartition('/')[2]}-left").set()

        task = asyncio.create_task(look_out())
        try:
            yield
        finally:
            task.cancel()

    async def _stored(self, text: str) -> int:
        async with AsyncSession(self._engine) as session:
            return await count_notes(session, text)

    async def _beside(self, path: str) -> Any:
        word, _, name = path.partition("/")
        if word == "await":
            await self._scene.event(name).wait()
        elif word == "set":
            self._scene.event(name).set()
        elif word == "settled":
            await self._idle.wait()
        elif word == "late":
            deadline_of(self._scene.patience)()
        return self._scene.checked_out()

    async def _answer(self, content: Any, send: Any) -> None:
        body = json.dumps(content).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
