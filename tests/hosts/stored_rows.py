"""One request, and everything that can be seen of it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from functools import partial

import httpx

from tests.faults import Fault, commit
from tests.hosts.middleware_positions import Place
from tests.hosts.outcomes import Row
from tests.hosts.recorder import BESIDE, ROWS_AT_START
from tests.hosts.servers import Process


@dataclass(frozen=True)
class Observation:
    """What came of a request.

    Attributes:
        status: what the client was answered; None when it did not wait for that.
        at_start: rows that another connection saw when the response started; None when the client did not wait.
        stored: rows of both profiles, once everything was over.
        checked_out: connections of both profiles that were still in use then.
        next: rows that the next request sees, on the same connection of a pool of one; None when it failed.
        complaints: lines of the server's log that must not be there.
    """

    status: int | None
    at_start: int | None
    stored: tuple[int, int]
    checked_out: tuple[int, int] = (0, 0)
    next: int | None = None
    complaints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """An application to be observed: its process, its address, the databases behind it, and a client."""

    process: Process
    address: str
    place: Place
    client: httpx.AsyncClient

    async def get(self, path: str) -> httpx.Response:
        """Ask the application, or its witness."""
        return await self.client.get(self.address + path)

    async def observe(self, act: str, fault: Fault | None = None, nth: int = 1) -> Observation:
        """Let the application do an act, and look."""
        text = secrets.token_hex(8)
        mark = self.process.mark()
        loop, unheard = asyncio.get_running_loop(), asyncio.Event()
        if fault is not None:
            assert self.place.proxy is not None
            then = partial(loop.call_soon_threadsafe, unheard.set)
            self.place.proxy.arm(fault, when=commit, nth=nth, then=then)
        answering = asyncio.ensure_future(self.client.post(f"{self.address}/run/{act}/{text}"))
        if fault is Fault.LOSE_REPLY:
            await unheard.wait()
            await self.get(f"{BESIDE}late")
        answer = await answering
        assert fault is None or (self.place.proxy is not None and self.place.proxy.fired)
        return await self._look(text, mark, answer)

    async def observe_departure(self) -> Observation:
        """Let the application do the act `waited`, leave in the midst of it, and look."""
        text = secrets.token_hex(8)
        mark = self.process.mark()
        url = httpx.URL(self.address)
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"POST /run/waited/{text} HTTP/1.1\r\nhost: {url.host}\r\ncontent-length: 0\r\n\r\n".encode())
        await self.get(f"{BESIDE}await/{text}-entered")
        writer.transport.abort()
        await self.get(f"{BESIDE}await/{text}-left")
        await self.get(f"{BESIDE}set/{text}-go")
        return await self._look(text, mark, None)

    async def _look(self, text: str, mark: int, answer: httpx.Response | None) -> Observation:
        """Everything but the answer, once nothing runs any more."""
        settled = (await self.get(f"{BESIDE}settled")).json()
        following = await self.get(f"/count/{text}")
        at_start = answer and answer.headers.get(ROWS_AT_START.decode())
        return Observation(
            status=answer and answer.status_code,
            at_start=None if at_start is None else int(at_start),
            stored=await self.place.stored(text),
            checked_out=(settled["main"], settled["second"]),
            next=int(following.text) if following.status_code == 200 else None,
            complaints=tuple(self.process.complaints(mark)),
        )


def expected(row: Row) -> Observation:
    """What must come of a row, in every host."""
    at_start = row.stored if row.at_start is None else row.at_start
    return Observation(row.status, at_start, (row.stored, row.second), (0, 0), row.stored, ())
