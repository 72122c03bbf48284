"""Processor time of a request, ours against plain SQLAlchemy, in one process: `hosts_cpu.py HOST OPERATION BATCHES`.

Calls the applications of `host_apps` directly, without server and network to the client, one request at a time and in
short turns. That is steadier than requests per second where the machine has other work. Prints one line for each row:
its name, the median in microseconds, then minimum, median and maximum of the ratios to plain SQLAlchemy, each taken
within one turn, and the ratio of the two best turns.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import sys
import time
from statistics import median
from typing import Any

ROWS = (("plain", "1"), ("plain", "0"), ("ours", "1"))
"""Library and ping; the first is what the others are compared with."""
REQUESTS = 25
"""In one turn."""
WARM_UP = 300
SCOPE = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": ""}
PEERS = {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
ONE = {"read": ("GET", "/items/7", 200), "insert": ("POST", "/items/something", 201)}


def application(host: str, library: str, ping: str) -> Any:
    """One of `host_apps`, with packages of its own: myfy's routes belong to the process."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("host_apps", "myfy_data", "myfy")]:
        del sys.modules[name]
    os.environ["BENCH_PRE_PING"] = ping
    return importlib.import_module(f"host_apps.{host}_{library}").app


async def start(app: Any) -> asyncio.Task[None]:
    """Begin the application's lifespan; it goes on until the process ends."""
    began = asyncio.Event()
    messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    messages.put_nowait({"type": "lifespan.startup"})

    async def send(message: dict[str, Any]) -> None:
        if message["type"] != "lifespan.startup.complete":
            raise RuntimeError(message)
        began.set()

    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, messages.get, send))
    await began.wait()
    return task


async def ask(app: Any, operation: str) -> None:
    """One request, whose status must be right."""
    method, path, expected = ONE[operation]
    bodies = [{"type": "http.request", "body": b"", "more_body": False}]
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        if not bodies:
            await asyncio.Event().wait()
        return bodies.pop()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    request = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": []}
    await app({**SCOPE, **PEERS, **request, "state": {}}, receive, send)
    if statuses != [expected]:
        raise RuntimeError(f"{method} {path}: {statuses}")


async def turn(app: Any, operation: str, requests: int) -> float:
    """Microseconds of processor time for each of some requests."""
    began = time.process_time()
    for _ in range(requests):
        await ask(app, operation)
    return (time.process_time() - began) / requests * 1e6


async def compare(host: str, operation: str, turns: int) -> None:
    """Measure in turns, another row first each time, and print."""
    apps = {row: application(host, *row) for row in ROWS}
    lifespans = [await start(app) for app in apps.values()]
    for app in apps.values():
        await turn(app, operation, min(WARM_UP, turns * REQUESTS))
    gc.collect()
    gc.freeze()
    costs: dict[tuple[str, str], list[float]] = {row: [] for row in ROWS}
    for number in range(turns):
        first = number % len(ROWS)
        for row in (*ROWS[first:], *ROWS[:first]):
            costs[row].append(await turn(apps[row], operation, REQUESTS))
    for (library, ping), cost in costs.items():
        ratios = [own / plain for own, plain in zip(cost, costs[ROWS[0]], strict=True)]
        shown = [min(ratios), median(ratios), max(ratios), min(cost) / min(costs[ROWS[0]])]
        name = library if ping == "1" else f"{library}, no ping"
        print(name, f"{median(cost):.0f}", *(f"{ratio:.2f}" for ratio in shown), sep="\t", flush=True)
    sys.stdout.flush()
    os._exit(0 if lifespans else 1)  # nothing here is worth an orderly end


if __name__ == "__main__":
    asyncio.run(compare(sys.argv[1], sys.argv[2], int(sys.argv[3])))
