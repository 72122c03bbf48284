"""The exhaustive loop: a trouble on the n-th message of a request, for every n until none is left to fall on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

from myfy_data import CommitOutcomeUnknown, DataModule
from tests.databases import Database
from tests.faults.cases import ALLOWANCE, LONG, REQUESTS, Case, insert, module, read
from tests.faults.messages import commit
from tests.faults.proxy import FaultProxy, fault_proxy
from tests.faults.runs import Outcome, Run, says_stored, told

PATIENCE = LONG + 10 * ALLOWANCE
"""Seconds that a connection has to be closed after it has no owner any more; a busy machine takes some of them."""


async def exhaust(case: Case, database: Database) -> AsyncIterator[Run]:
    """Every run of one case; the last one has met no trouble."""
    settings = {"pool_pre_ping_idle": 0.0} if case.start == "idle" else {}
    async with fault_proxy(database.url) as (proxy, through):
        for nth in range(1, 1000):
            run = Run(case, nth, label=f"{nth}-{secrets.token_hex(8)}")
            await _Attempt(run, proxy, module(through, case.deadline, **settings), database).make()
            yield run
            if run.hit is None:
                return


class _Attempt:
    """One run on a module of its own."""

    def __init__(self, run: Run, proxy: FaultProxy, data: DataModule, database: Database) -> None:
        self._run = run
        self._proxy = proxy
        self._data = data
        self._database = database

    async def make(self) -> None:
        """Make the run; what came of it stands in the `Run`."""
        if self._run.case.start != "cold":
            await self._read()
        trouble = self._run.case.trouble
        self._proxy.messages.clear()
        rule = self._proxy.arm(trouble.fault, nth=self._run.nth, **trouble.details)
        await self._request()
        rule.then = lambda: None  # a late word of the server must not let the next request's deadline pass
        if rule.fired:
            await self._look_after()
        await self._end()
        self._run.hit = rule.hit
        self._proxy.disarm()

    async def _request(self) -> None:
        run, clock = self._run, asyncio.get_running_loop().time
        started = clock()
        try:
            await (self._cancelled_request() if run.case.trouble.cancels else self._plain_request())
        except CommitOutcomeUnknown as error:
            run.outcome, run.error = Outcome.UNKNOWN, told(error)
        except asyncio.CancelledError as error:
            run.outcome = Outcome.DONE if says_stored(error) else Outcome.CANCELLED
        except Exception as error:  # noqa: BLE001 - whatever it is, the run tells it
            run.outcome, run.error = Outcome.FAILED, told(error)
        run.seconds = clock() - started
        run.sent_commit = any(commit(message) for message in self._proxy.messages)
        run.checked_out = self._data.pool_status().checked_out

    async def _plain_request(self) -> None:
        self._run.requests += 1
        async with self._data.session() as session:
            await REQUESTS[self._run.case.request](session, self._database, self._run.label)

    async def _cancelled_request(self) -> None:
        """Make the request in a task that is cancelled when its message is held up."""
        task = asyncio.create_task(self._plain_request())
        moment = asyncio.create_task(self._proxy.until_fired())
        await asyncio.wait([task, moment], return_when=asyncio.FIRST_COMPLETED)
        moment.cancel()
        task.cancel()
        await task

    async def _look_after(self) -> None:
        """The next requests must be fine, and nothing may be open but what the pool holds."""
        if self._run.case.trouble.details.get("everywhere"):
            self._proxy.heal()
        try:
            await self._read()
            await self._write_after()
        except Exception as error:  # noqa: BLE001 - as above
            self._run.complaint = f"the next request failed: {told(error)}: {error}"
        self._run.left_open = await self._left_open(self._data.pool_status().checked_in)

    async def _read(self) -> None:
        self._run.requests += 1
        async with self._data.session() as session:
            await read(session, self._database, "")

    async def _write_after(self) -> None:
        self._run.requests += 1
        async with self._data.session() as session:
            await insert(session, self._database, self._run.label_after)
        self._run.wrote_after = True

    async def _end(self) -> None:
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            await self._data.stop()
        except Exception as error:  # noqa: BLE001 - as above
            self._run.complaint = f"the end failed: {told(error)}: {error}"
        self._run.end_seconds = clock() - started
        self._proxy.heal()
        self._run.left_open += await self._left_open(0)

    async def _left_open(self, owned: int) -> int:
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE
        while self._proxy.open_connections > owned and clock() < deadline:
            await asyncio.sleep(0.005)  # the operating system's news of a closed connection take their time
        return max(0, self._proxy.open_connections - owned)
