"""Both rows of `cells.py` in one process: units of work on each database, counted or timed; prints JSON.

Usage: `python cells_child.py count|time|instructions CELLS URLS`, the last two as JSON. `instructions` is for
callgrind: each of its measurements stands between a `os.getpgid` and a `os.getsid`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from types import FrameType
from typing import Any

from database_child import ROWS
from database_rows import ours, plain
from database_rows.common import SIZE, Operations
from database_rows.mapped import MappedOperations

UNITS = 32
"""Units of work in one measurement, as many for 32 at once as for one."""
ROUNDS = 10
PATIENT = {"connect_timeout": 100.0, "command_timeout": 100.0}
"""Callgrind makes everything fifty times slower."""
OURS, PLAIN = "ours", "plain"

Cell = tuple[str, str, int]
"""Database, operation, how many at once."""
Work = Callable[[Cell, str], Awaitable[None]]


@asynccontextmanager
async def work_on(urls: Mapping[str, str]) -> AsyncIterator[Work]:
    """Open the pools of both rows; gives what does all units of work of a cell."""
    keys = count(1)
    async with AsyncExitStack() as stack:
        pools: dict[tuple[str, str], Operations] = {}
        for name, url in urls.items():
            for row, options in ((OURS, {}), ("read_only", {"read_only": True})):
                # Checked as ever, but not pinged where the machine is so busy that half a second is nothing.
                data = ours.module(url, pre_ping=True, pool_pre_ping_idle=60.0, **PATIENT)
                await stack.enter_async_context(data)
                pools[name, row] = MappedOperations(partial(data.session, **options))
            pools[name, PLAIN] = await stack.enter_async_context(plain.operations(url, pre_ping=False))

        async def work(cell: Cell, row: str) -> None:
            database, operation, workers = cell
            pool = pools[database, operation if operation == "read_only" and row == OURS else row]

            async def units(worker: int) -> None:
                for _ in range(UNITS // workers):
                    if operation == "insert":
                        await pool.insert("something")
                    elif operation == "change":
                        await pool.change(2 * worker + 1, 2 * worker + 2)
                    else:
                        await pool.read(next(keys) * 7 % ROWS + 1)
                    await asyncio.sleep(0)  # the requests of a service are tasks of their own

            await asyncio.gather(*(units(worker) for worker in range(workers)))

        yield work


async def counted(work: Work, cell: Cell, row: str) -> dict[str, int]:
    """Calls of Python functions by module and function, in all threads; a coroutine that goes on counts again."""
    found: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found[f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}"] += 1

    set_profile = getattr(threading, "setprofile_all_threads", sys.setprofile)  # Python 3.12: SQLite's threads as well
    set_profile(note)
    try:
        await work(cell, row)
    finally:
        set_profile(None)
    return found


async def timed(work: Work, cell: Cell, rounds: int) -> dict[str, list[float]]:
    """Seconds of the processor for all units of a cell, the rows alternating."""
    took: dict[str, list[float]] = {OURS: [], PLAIN: []}
    for number in range(rounds):
        for row in (OURS, PLAIN) if number % 2 else (PLAIN, OURS):
            began = time.process_time()
            await work(cell, row)
            took[row].append(time.process_time() - began)
    return took


async def marked(work: Work, cell: Cell, row: str) -> None:
    """Let callgrind know where the units of work begin and end."""
    os.getpgid(0)
    await work(cell, row)
    os.getsid(0)


async def measure(what: str, cells: Sequence[Cell], urls: Mapping[str, str], rounds: int = ROUNDS) -> list[Any]:
    """What was found for each cell, in their order."""
    found: list[Any] = []
    async with work_on(urls) as work:
        await warm_up(work, cells)
        for cell in cells:
            gc.collect()
            gc.freeze()  # what stays for good is not looked at within a cell
            if what == "time":
                found.append(await timed(work, cell, rounds))
            elif what == "count":
                found.append({row: await counted(work, cell, row) for row in (OURS, PLAIN)})
            else:
                for row in (OURS, PLAIN):
                    await marked(work, cell, row)
    return found


async def warm_up(work: Work, cells: Sequence[Cell]) -> None:
    """Open every connection, and let each know every statement."""
    assert UNITS >= SIZE  # noqa: S101 - so all connections come to be used
    for database, operation in dict.fromkeys(cell[:2] for cell in cells):
        for row in (OURS, PLAIN):
            await work((database, operation, 32), row)


if __name__ == "__main__":
    what, cells, urls = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    print(json.dumps(asyncio.run(measure(what, [tuple(cell) for cell in cells], urls))))
