"""SIGTERM and a real uvicorn: unready first, requests served all the while, and the end in order (contract C12.1)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from tests.sandbox import RUN_TIMEOUT

APP = """
    import socket, sys
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route
    from myfy_data import DataModule, DatabaseSettings
    from myfy_data.integrations.starlette import setup

    settings = DatabaseSettings(database_url="sqlite+aiosqlite:///" + sys.argv[1])
    data = DataModule(settings=settings, drain_delay=float(sys.argv[2]))

    async def page(request):
        return PlainTextResponse("served")

    app = Starlette(routes=[Route("/page", page)])
    setup(app, data, health="/health")
    door = socket.create_server(("127.0.0.1", 0))
    print(door.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="info")).run([door])
"""

LONG = 600.0
"""Seconds of a delay that no test waits for."""


class Server:
    """The process, and one who asks it."""

    def __init__(self, process: subprocess.Popen[str], client: httpx.AsyncClient) -> None:
        self.process = process
        self._client = client

    async def ready(self) -> tuple[int, str]:
        answer = await self._client.get("/health/ready")
        return answer.status_code, answer.json()["status"]

    async def until_unready(self) -> str:
        while (found := await self.ready())[0] == 200:
            pass
        return found[1]

    async def page(self) -> str:
        return (await self._client.get("/page")).text

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def end(self) -> int:
        async with asyncio.timeout(RUN_TIMEOUT):
            return await asyncio.to_thread(self.process.wait)


@asynccontextmanager
async def serving(folder: Path, delay: float) -> AsyncIterator[Server]:
    script = folder / "app.py"
    script.write_text(dedent(APP), encoding="utf-8")
    command = [sys.executable, str(script), str(folder / "app.db"), str(delay)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            port = int(await asyncio.to_thread(process.stdout.readline))
            limits = httpx.Limits(max_keepalive_connections=0)
            url = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url, timeout=RUN_TIMEOUT, trust_env=False, limits=limits) as client:
                yield Server(process, client)
        finally:
            process.kill()


async def test_it_is_unready_and_serves_until_the_delay_is_over(tmp_path: Path) -> None:
    async with serving(tmp_path, LONG) as server, asyncio.timeout(RUN_TIMEOUT):
        before = await server.ready()
        server.terminate()
        status = await server.until_unready()
        pages = {await server.page() for _ in range(200)}  # far beyond the tenth of a second in which uvicorn looks up
        server.terminate()  # the second ends the delay
        await server.end()

    assert (before, status, pages) == ((200, "ok"), "draining", {"served"})
    assert "Application shutdown complete" in (tmp_path / "log").read_text()


async def test_the_server_is_told_when_the_delay_is_over(tmp_path: Path) -> None:
    async with serving(tmp_path, 0.5) as server, asyncio.timeout(RUN_TIMEOUT):
        await server.ready()
        began = time.monotonic()
        server.terminate()
        await server.end()
        lasted = time.monotonic() - began

    assert lasted >= 0.5
    assert "Application shutdown complete" in (tmp_path / "log").read_text()


async def test_where_no_balancer_looks_there_is_no_delay(tmp_path: Path) -> None:
    async with serving(tmp_path, LONG) as server, asyncio.timeout(RUN_TIMEOUT):
        await server.page()
        server.terminate()
        await server.end()

    assert "Application shutdown complete" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("how", ["in a thread", "without a server"])
async def test_a_process_without_a_servers_handler_is_left_alone(how: str) -> None:
    program = """
        import asyncio, signal, sys, threading
        from myfy_data import DataModule, DatabaseSettings

        async def main():
            data = DataModule(settings=DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:"), health="/health")
            before = signal.getsignal(signal.SIGTERM)
            async with data:
                assert signal.getsignal(signal.SIGTERM) is before

        if sys.argv[1] == "in a thread":
            signal.signal(signal.SIGTERM, lambda *_: None)
            outcome = []
            thread = threading.Thread(target=lambda: outcome.append(asyncio.run(main())))
            thread.start()
            thread.join()
            assert outcome == [None]
        else:
            asyncio.run(main())
    """
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", dedent(program), how], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr
