"""Speaks ASGI to an application in the test's own event loop, as strictly as a server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Messages = list[dict[str, Any]]


@dataclass
class Answer:
    """What came back for a request.

    Attributes:
        messages: as the application sent them.
        raised: what came out of the application, which a server would log.
    """

    messages: Messages = field(default_factory=list)
    raised: BaseException | None = None

    @property
    def status(self) -> int | None:
        """The status; None when no response began."""
        return self.messages[0]["status"] if self.messages else None

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def text(self) -> str:
        """The whole body as text."""
        return self.body.decode()

    def take(self, message: dict[str, Any]) -> None:
        """Take a message, if it is its turn."""
        begins = message["type"] == "http.response.start"
        if begins == bool(self.messages):
            raise RuntimeError(f"not the turn of {message['type']}")
        self.messages.append(message)


@asynccontextmanager
async def started(app: Any) -> AsyncIterator[dict[str, Any]]:
    """Run the application's lifespan around a block, which gets its state."""
    to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    state: dict[str, Any] = {}
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    task = asyncio.create_task(app(scope, to_app.get, from_app.put))

    async def step(name: str) -> None:
        await to_app.put({"type": f"lifespan.{name}"})
        answer = asyncio.create_task(from_app.get())
        await asyncio.wait([answer, task], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            await task
        elif answer.result()["type"].endswith("failed"):
            raise RuntimeError(answer.result().get("message", ""))

    try:
        await step("startup")
        yield state
        await step("shutdown")
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def request(app: Any, path: str, method: str = "GET", **scope: Any) -> Answer:
    """Send a request without a body; further entries of the scope by name."""
    answer = Answer()
    done = asyncio.Event()
    incoming = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        answer.take(message)
        if message["type"] != "http.response.start" and not message.get("more_body"):
            done.set()

    try:
        await app(_scope("http", path, method=method, **scope), receive, send)
    except Exception as error:  # noqa: BLE001 - a server would log it
        answer.raised = error
    return answer


async def connect(app: Any, path: str) -> Messages:
    """Open a websocket, leave it, and give what the application sent."""
    incoming: Messages = [{"type": "websocket.disconnect", "code": 1001}, {"type": "websocket.connect"}]
    sent: Messages = []

    async def receive() -> dict[str, Any]:
        return incoming.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(_scope("websocket", path, subprotocols=[]), receive, send)
    return sent


def told(error: BaseException | None, kind: type[BaseException]) -> str:
    """The text of the first error of a kind among this one and those that it stands for."""
    while error is not None and not isinstance(error, kind):
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
    return str(error)


def _scope(kind: str, path: str, **entries: Any) -> dict[str, Any]:
    parts = urlsplit(path)
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(b"host", b"here")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
        "extensions": {},
        **entries,
    }
