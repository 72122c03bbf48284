"""A service that issues and expires tokens over HTTP, each of which is the password of one user of a database."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

from myfy_data import CredentialRequest, Credentials
from tests.accounts import Account
from tests.asyncio_servers import close_server


@dataclass
class TokenService:
    """Answers with the token of the day; the one before it is refused by the database from then on.

    Attributes:
        account: the user whose password the tokens are.
        lifetime: seconds for which a token says that it is good; None when it does not say.
        age: the `max_connection_age` that goes with a token.
        asked: the reasons that it was asked for, in order.
        answers: cleared, it takes questions and does not answer.
    """

    account: Account
    port: int = 0
    lifetime: float | None = None
    age: float | None = None
    asked: list[str] = field(default_factory=list)
    token: str = ""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rotate(self) -> None:
        """Issue another token; questions that come meanwhile are answered with it."""
        async with self._lock:
            token = f"t0ken-{secrets.token_hex(12)}"
            await asyncio.to_thread(self.account.set_password, token)
            self.token = token

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head.split(" ")[1].removeprefix("/"))
            self.arrived.set()
            await self.answers.wait()
            async with self._lock:
                body = json.dumps({"token": self.token, "lifetime": self.lifetime, "age": self.age}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
        writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def token_service(account: Account, lifetime: float | None = None) -> AsyncIterator[TokenService]:
    """A running service, whose first token is issued already."""
    service = TokenService(account, lifetime=lifetime)
    service.answers.set()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.port = server.sockets[0].getsockname()[1]
    await service.rotate()
    try:
        yield service
    finally:
        service.answers.set()
        await close_server(server)


# -- what an application would write -----------------------------------------------------------------------------------

THREADS: list[threading.Thread] = []
"""Where `in_a_thread` was called."""


async def fetched(request: CredentialRequest) -> Credentials:
    """An asynchronous provider; `url` is an option."""
    port = int(request.options["url"].rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /{request.reason} HTTP/1.1\r\nHost: tokens\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.close()
    return _credentials(answer.partition(b"\r\n\r\n")[2])


def in_a_thread(request: CredentialRequest) -> Credentials:
    """The same as a plain function, which blocks."""
    THREADS.append(threading.current_thread())
    with urlopen(f"{request.options['url']}/{request.reason}") as answer:
        return _credentials(answer.read())


def _credentials(body: bytes) -> Credentials:
    said = json.loads(body)
    lifetime, age = said["lifetime"], said["age"]
    end = datetime.now(UTC) + timedelta(seconds=lifetime) if lifetime is not None else None
    return Credentials(said["token"], expires_at=end, max_connection_age=age)
