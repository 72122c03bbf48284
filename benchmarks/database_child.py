"""One row of `database.py` in a process of its own: told what to do line by line, answers line by line (JSON)."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

from database_rows.common import SIZE, Operations

ROWS = 1000
"""How many rows the table has to begin with; workers change two each, and read all."""

Operate = Callable[[int], Awaitable[object]]


class Row:
    """A row's pools, one for each place.

    Args:
        module: which of `database_rows`.
        pre_ping: whether to ask for pings.
    """

    def __init__(self, module: str, *, pre_ping: bool) -> None:
        self._open = importlib.import_module(f"database_rows.{module}").operations
        self._pre_ping = pre_ping
        self._stack = AsyncExitStack()
        self._pools: dict[str, Operations] = {}
        self._keys = count(1)
        self._done = {"read": 0, "insert": 0, "change": 0}

    async def open(self, place: str, url: str) -> None:
        """Open the pool of a place."""
        self._pools[place] = await self._stack.enter_async_context(self._open(url, self._pre_ping))
        gc.collect()
        gc.freeze()  # what stays for good need not be looked at before each slot

    async def check(self, place: str) -> None:
        """No row may win by doing less than the others: what was stored must be there in the next unit of work."""
        pool = self._pools[place]
        key = await pool.insert("something")
        self._done["insert"] += 1
        if (found := await pool.read(key)) != "something":
            raise ValueError(f"stored 'something', read {found!r}")

    async def run(self, place: str, operation: str, times: int) -> None:
        """Run an operation some times, one after the other."""
        operate = self._operate(place, operation)
        for _ in range(times):
            await operate(0)

    async def slot(self, place: str, operation: str, concurrency: int, seconds: float) -> dict[str, Any]:
        """Run an operation for some seconds by so many workers: count, seconds, seconds of CPU, microseconds each."""
        operate = self._operate(place, operation)
        await asyncio.gather(*(operate(number) for number in range(SIZE)))  # every connection is hot
        gc.collect()
        latencies: list[int] = []
        cpu, began = time.process_time(), time.perf_counter()
        await asyncio.gather(*(_work(operate, number, began + seconds, latencies) for number in range(concurrency)))
        took, used = time.perf_counter() - began, time.process_time() - cpu
        return {"count": len(latencies), "seconds": took, "cpu": used, "latencies": latencies}

    async def end(self) -> dict[str, int]:
        """Close the pools; how often each operation was done."""
        await self._stack.aclose()
        return self._done

    def _operate(self, place: str, operation: str) -> Operate:
        pool = self._pools[place]

        async def operate(worker: int) -> None:
            if operation == "read":
                await pool.read(next(self._keys) * 7 % ROWS + 1)
            elif operation == "insert":
                await pool.insert("something")
            else:
                await pool.change(2 * worker + 1, 2 * worker + 2)
            self._done[operation] += 1

        return operate


async def _work(operate: Operate, number: int, end: float, latencies: list[int]) -> None:
    while (began := time.perf_counter()) < end:
        await operate(number)
        latencies.append(round((time.perf_counter() - began) * 1e6))
        # The requests of a service are tasks of their own, and none of them asks twice before the others are heard.
        await asyncio.sleep(0)


async def serve(row: Row) -> None:
    """Do what each line says, until `end`."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        name = command.pop("do")
        try:
            answer = {"answer": await getattr(row, name)(**command)}
        except Exception as error:  # noqa: BLE001 - whatever it is, the row cannot run
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)
        if name == "end":
            return


if __name__ == "__main__":
    asyncio.run(serve(Row(sys.argv[1], pre_ping=sys.argv[2] == "1")))
