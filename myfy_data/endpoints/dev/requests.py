"""The last requests of this process with their statements, without literals and parameters (contract C12.7)."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from myfy_data.endpoints.http import Send
from myfy_data.engines.observation import EngineObserver, Operation
from myfy_data.telemetry.statement_text import statement_text

KEPT: int = 50
"""Requests that are remembered."""

MOST: int = 200
"""Statements of one request that are remembered; the others are counted."""

REPEATED: int = 5
"""How often one statement runs in a request that asks too often."""


@dataclass(slots=True)
class NotedStatement:
    """A statement of a request.

    Attributes:
        profile: the profile's name.
        text: its text without literals.
        fingerprint: the same for the same statement.
        waited: seconds of waiting before it.
        ran: seconds of running.
        failed: whether it failed.
    """

    profile: str
    text: str
    fingerprint: str
    waited: float
    ran: float
    failed: bool


@dataclass(slots=True)
class NotedRequest:
    """A request.

    Attributes:
        method: of HTTP.
        path: without the query.
        began: seconds since 1970.
        seconds: until it was over; None while it runs.
        status: of the response; None when none began.
        statements: the first of its statements, in order.
        count: how many there were.
    """

    method: str
    path: str
    began: float
    seconds: float | None = None
    status: int | None = None
    statements: list[NotedStatement] = field(default_factory=list)
    count: int = 0

    def watch(self, send: Send) -> Send:
        """The same `send`, whose status is noted."""

        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            await send(message)

        return noting

    @property
    def repeated(self) -> dict[str, int]:
        """Statements that ran `REPEATED` times and more: text and number."""
        counts = Counter(statement.fingerprint for statement in self.statements if statement.fingerprint)
        texts = {statement.fingerprint: statement.text for statement in self.statements}
        return {texts[mark]: number for mark, number in counts.items() if number >= REPEATED}


_current: ContextVar[NotedRequest | None] = ContextVar("myfy_data_noted_request", default=None)


class RequestLog(EngineObserver):
    """Notes requests and what they send.

    Args:
        backend_of: gives the database of a profile, whose way to write literals is asked for.
    """

    def __init__(self, backend_of: Callable[[str], str]) -> None:
        self._backend_of = backend_of
        self._requests: deque[NotedRequest] = deque(maxlen=KEPT)

    def recent(self) -> list[NotedRequest]:
        """The last requests, the newest first."""
        return list(reversed(self._requests))

    def text_of(self, profile: str, fingerprint: str) -> str | None:
        """The text of a statement that a remembered request sent."""
        every = (statement for request in self.recent() for statement in request.statements)
        return next((one.text for one in every if (one.profile, one.fingerprint) == (profile, fingerprint)), None)

    @contextmanager
    def note(self, method: str, path: str) -> Iterator[NotedRequest]:
        """Note the request that is handled in this block."""
        noted = NotedRequest(method, path, time.time())
        started = time.monotonic()
        self._requests.append(noted)
        token = _current.set(noted)
        try:
            yield noted
        finally:
            _current.reset(token)
            noted.seconds = time.monotonic() - started

    def operation(self, seen: Operation) -> None:
        """Note a statement of the request that runs in this task."""
        noted = _current.get()
        if noted is None:
            return
        noted.count += seen.kind == "statement"
        if len(noted.statements) >= MOST:
            return
        text, mark = seen.kind.upper(), ""
        if seen.kind == "statement":
            shown = statement_text(seen.sql, self._backend_of(seen.profile))
            text, mark = shown.text, shown.fingerprint
        noted.statements.append(NotedStatement(seen.profile, text, mark, seen.waited, seen.ran, seen.error is not None))
