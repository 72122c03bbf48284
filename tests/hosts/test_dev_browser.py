"""The page of development in a browser: narrow, light and dark, with nothing from outside (contract C12.7)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from myfy_data import DataModule
from myfy_data.integrations.starlette import get_session, setup
from tests.asyncio_servers import PATIENCE
from tests.browser import Page, chromium
from tests.hosts.test_dev_page import CANARY, FILE, work
from tests.sandbox import Sandbox
from tests.servers import required

CONTRAST = """
(() => {
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const parse = c => { const m = numbers(c); return m.length > 3 && m[3] === 0 ? null : m.slice(0, 3); };
  const part = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const own = e => parse(getComputedStyle(e).backgroundColor);
  const behind = e => own(e) || behind(e.parentElement);
  let least = 99;
  for (const e of document.body.querySelectorAll('*')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return least;
})()
"""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Page]:
    """A browser; where `MYFY_TEST_ARTIFACTS` names a directory, what it saw is kept there."""
    with required("chromium"), chromium(tmp_path / "browser") as page:
        yield page


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where screenshots go."""
    folder = Path(os.environ.get("MYFY_TEST_ARTIFACTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@asynccontextmanager
async def serving(project: Sandbox) -> AsyncIterator[str]:
    """The URL of a page with something of everything on it."""
    project.write("myfy.toml", FILE)
    data = DataModule()

    async def orders(request: Request) -> Response:
        session = get_session(request)
        await session.execute(
            text("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer_name_at_the_time TEXT)")
        )
        await work(session, int(request.query_params["n"]))
        return PlainTextResponse("done", int(request.query_params.get("status", "200")))

    app = Starlette(routes=[Route("/orders", orders)])
    setup(app, data, dev="/_data")
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, lifespan="on", http="h11", log_level="warning"))
        serve = asyncio.create_task(server.serve([door]))
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as client:
            for query in ("n=1", "n=7", "n=2&status=500"):
                await client.get(f"/orders?{query}&token={CANARY}")
        try:
            yield f"{url}/_data"
        finally:
            server.should_exit = True
            await serve


async def look(page: Page, url: str, **how: Any) -> None:
    await asyncio.to_thread(page.open, url, **how)


async def test_at_the_width_of_a_phone_nothing_stands_out(project: Sandbox, browser: Page, kept: Path) -> None:
    async with serving(project) as url:
        await look(browser, url, width=360)
        browser.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        width, words = (
            browser.evaluate("document.documentElement.scrollWidth"),
            browser.evaluate("document.body.innerText"),
        )
        browser.screenshot(kept / "dev-page-360.png")

    assert width <= 360
    assert "N+1: 7 times" in words
    assert CANARY not in words
    assert (kept / "dev-page-360.png").stat().st_size > 10_000


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 23, 28)")])
async def test_it_follows_the_readers_preference_and_can_be_read(
    project: Sandbox, browser: Page, kept: Path, scheme: str, paper: str
) -> None:
    async with serving(project) as url:
        await look(browser, url, scheme=scheme)
        browser.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        found = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        contrast = browser.evaluate(CONTRAST)
        browser.evaluate("document.querySelectorAll('li ~ li details').forEach(e => e.open = false)")
        browser.screenshot(kept / f"dev-page-{scheme}.png")

    assert found == paper, "the browser takes the style: its hash is the one of the policy"
    assert contrast >= 4.5


async def test_nothing_comes_from_outside_and_nothing_runs(project: Sandbox, browser: Page) -> None:
    async with serving(project) as url:
        await look(browser, url)
        loaded = browser.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
        scripts = browser.evaluate("document.scripts.length")
        source = browser.evaluate("document.documentElement.outerHTML")

    assert (loaded, scripts) == ([], 0)
    assert CANARY not in source


async def test_bars_are_as_long_as_the_times(project: Sandbox, browser: Page) -> None:
    async with serving(project) as url:
        await look(browser, url)
        bars = browser.evaluate(
            "[...document.querySelectorAll('summary svg')].map(s => [...s.querySelectorAll('rect')].map("
            "r => r.getBoundingClientRect().width / s.getBoundingClientRect().width))"
        )

    assert len(bars) == 3
    assert all(0 <= share <= 1 for bar in bars for share in bar)
    assert all(sum(bar) > 0 for bar in bars)
