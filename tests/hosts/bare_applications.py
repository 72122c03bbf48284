"""Applications of the hosts that run in the test's own loop, without a route of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from litestar import Litestar
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from myfy_data import DataModule
from myfy_data.integrations.fastapi import setup as setup_fastapi
from myfy_data.integrations.litestar import DataPlugin
from myfy_data.integrations.starlette import setup as setup_starlette


def with_starlette(data: DataModule, routes: Sequence[BaseRoute] = (), **answered: Any) -> Starlette:
    """With routes of its own, where some are given.

    Args:
        data: the application's module.
        routes: the application's own.
        answered: what the module answers itself, by its kind: `health="/health"`.
    """
    app = Starlette(routes=routes)
    setup_starlette(app, data, **answered)
    return app


def with_fastapi(data: DataModule, **answered: Any) -> FastAPI:
    """As `with_starlette`."""
    app = FastAPI()
    setup_fastapi(app, data, **answered)
    return app


def with_litestar(data: DataModule, **answered: Any) -> Litestar:
    """As `with_starlette`."""
    return Litestar(plugins=[DataPlugin(data, **answered)])


HOSTS = {"starlette": with_starlette, "fastapi": with_fastapi, "litestar": with_litestar}


def on_hosts(**answered: str) -> pytest.MarkDecorator:
    """Run a test on each host: `build` makes an application, which answers what is said here or at the call."""
    return pytest.mark.parametrize("build", [partial(build, **answered) for build in HOSTS.values()], ids=HOSTS.keys())
