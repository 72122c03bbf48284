"""Paths that the library answers itself, for any ASGI framework: one path, one function, one response."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from myfy_data.errors import DataModuleError

Scope = Any  # a mapping, as a message is; each framework types them in its own way
Send = Callable[[Any], Awaitable[None]]

NO_STORE: tuple[tuple[str, str], ...] = (("cache-control", "no-store"),)


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered.

    Attributes:
        status: of HTTP.
        body: what is sent, except to HEAD.
        content_type: its media type, with the charset.
        headers: further ones.
    """

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = NO_STORE

    def header_pairs(self) -> list[tuple[str, str]]:
        """All headers in lower case."""
        return [("content-type", self.content_type), ("content-length", str(len(self.body))), *self.headers]


Answer = Callable[[Scope], Awaitable[Response]]
"""Makes the response to a GET of one path; it may look at the request's ASGI scope."""


def json_response(status: int, value: object) -> Response:
    """A response in JSON."""
    return Response(status, json.dumps(value, ensure_ascii=False).encode(), "application/json")


def route_path(scope: Scope) -> str:
    """The path below the application's root, as Starlette and Litestar match it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


class Noted(Protocol):
    """A request that is noted.

    Attributes:
        status: of its response.
    """

    status: int | None

    def watch(self, send: Send) -> Send:
        """The same `send`, whose status is noted."""
        ...


class Noting(Protocol):
    """What notes requests."""

    def note(self, method: str, path: str) -> AbstractContextManager[Noted]:
        """Note the request that is handled in this block."""
        ...


@dataclass(frozen=True)
class Endpoints:
    """The paths that are answered here, each with what answers it.

    Attributes:
        answers: by path.
        log: notes the application's requests, where the page of development is served.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    log: Noting | None = None

    def find(self, scope: Scope) -> Answer | None:
        """What answers a request; None when it is the application's own."""
        return self.answers.get(route_path(scope)) if self.answers and scope["type"] == "http" else None

    def check_free(self, paths: Iterable[object]) -> None:
        """Refuse an application that has a route of its own where it would never be reached.

        Raises:
            DataModuleError: names the path.
        """
        for path in paths:
            if path in self.answers:
                raise DataModuleError(
                    f"the application has a route at {path!r} of its own, which is answered here\n"
                    f'  fix: another path for one of them, such as health="/-/health"'
                )


async def serve(answer: Answer, scope: Scope, send: Send) -> None:
    """Answer a GET or HEAD as ASGI wants it; anything else with 405."""
    is_read = scope["method"] in ("GET", "HEAD")
    response = await answer(scope) if is_read else _not_allowed()
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.header_pairs()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})


def _not_allowed() -> Response:
    return Response(405, b"GET or HEAD", "text/plain; charset=utf-8", (*NO_STORE, ("allow", "GET, HEAD")))
