"""Run a myfy application of a test and ask it things: `python driver.py FOLDER WAY`, requests as JSON on stdin.

WAY is how the ASGI application is made: `factory` (`create_asgi_app_with_lifespan`) or `module`
(`WebModule.get_asgi_app`). Prints a JSON list of `[status, body]`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any

import httpx
from myfy.core import Application
from myfy.web import WebModule
from myfy.web.factory import create_asgi_app_with_lifespan


def made(app: Application, way: str) -> Any:
    """The ASGI application."""
    if way == "factory":
        return create_asgi_app_with_lifespan(app)
    app.initialize()
    return app.get_module(WebModule).get_asgi_app(app.container, lifespan=app.create_lifespan()).app


async def answers(asgi: Any, requests: list[list[Any]]) -> list[Any]:
    """Start it, ask, stop it."""
    found = []
    transport = httpx.ASGITransport(asgi, raise_app_exceptions=False)
    async with asgi.router.lifespan_context(asgi), httpx.AsyncClient(transport=transport, base_url="http://app") as web:
        for method, path, body in requests:
            response = await web.request(method, path, json=body)
            found.append([response.status_code, response.json() if response.content else None])
    return found


folder, way = sys.argv[1:]
sys.path.insert(0, folder)
application = importlib.import_module("app").app
sys.stdout.write(json.dumps(asyncio.run(answers(made(application, way), json.load(sys.stdin)))))
