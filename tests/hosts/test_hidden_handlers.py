"""Where the exception handlers of an application cannot be found, nothing is stored (contract C5.1, C16.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette import _exception_handler
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Mount, Route

from myfy_data.errors import UnsupportedPackageError
from myfy_data.integrations import fastapi, starlette
from myfy_data.integrations.host_contract import EXCEPTION_HANDLERS
from tests.hosts.client import request, started
from tests.hosts.conftest import Local
from tests.hosts.test_starlette import HANDLERS, store, store_and_raise
from tests.private_names import replace

ROUTES = [Route("/raise", store_and_raise, methods=["POST"]), Route("/store", store, methods=["POST"])]


def hide_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Starlette keep its exception handlers under another key, as a later release may do."""
    replace(monkeypatch, ExceptionMiddleware.__call__, EXCEPTION_HANDLERS)
    replace(monkeypatch, _exception_handler.wrap_app_handling_exceptions, EXCEPTION_HANDLERS)


def plain(local: Local) -> Any:
    app = Starlette(routes=ROUTES, exception_handlers=HANDLERS)
    starlette.setup(app, local.data)
    return app


def mounting(local: Local) -> Any:
    app = Starlette(routes=[Mount("/", Starlette(routes=ROUTES, exception_handlers=HANDLERS))])
    starlette.setup(app, local.data)
    return app


def of_fastapi(local: Local) -> Any:
    app = FastAPI(routes=ROUTES, exception_handlers=HANDLERS)
    fastapi.setup(app, local.data)
    return app


@pytest.mark.parametrize("path", ["/raise", "/store"])
@pytest.mark.parametrize("make", [plain, mounting, of_fastapi])
async def test_a_request_whose_handlers_are_hidden_is_an_error_and_stores_nothing(
    local: Local, make: Callable[[Local], Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(local)
    hide_handlers(monkeypatch)

    async with started(app):
        answer = await request(app, path, "POST")

    assert (answer.status, type(answer.raised)) == (500, UnsupportedPackageError)
    assert 'fix: pip install "starlette>=' in str(answer.raised)
    assert await local.stored() == 0


@pytest.mark.parametrize("make", [plain, mounting, of_fastapi])
async def test_setup_refuses_a_starlette_that_hides_them(
    local: Local, make: Callable[[Local], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myfy_data.package_contract.verified", set())
    hide_handlers(monkeypatch)

    with pytest.raises(UnsupportedPackageError, match=EXCEPTION_HANDLERS):
        make(local)
