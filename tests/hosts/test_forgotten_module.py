"""What two hosts say where nothing of ours was added: the page of errors by what was seen tells it."""

from __future__ import annotations

import litestar
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.hosts.client import request, started


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Litestar 2.25 warns that it is none
async def test_litestar_without_the_plugin_takes_a_session_for_a_parameter() -> None:
    @litestar.get("/")
    async def handler(session: AsyncSession) -> str:
        return str(session)

    app = litestar.Litestar([handler])

    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, "Missing required query parameter 'session'" in answer.text) == (400, True)


@pytest.mark.myfy
@pytest.mark.filterwarnings("ignore:Support for class-based")
async def test_myfy_without_the_module_has_no_provider() -> None:
    from myfy.core import Application  # noqa: PLC0415 - myfy needs Python 3.12
    from myfy.web import WebModule, create_asgi_app_with_lifespan, route  # noqa: PLC0415 - as above

    @route.get("/")
    async def handler(session: AsyncSession) -> dict[str, str]:
        return {"session": str(session)}

    application = Application(auto_discover=False)
    application.add_module(WebModule())
    app = create_asgi_app_with_lifespan(application)

    async with started(app):
        answer = await request(app, "/")

    assert (answer.status, "No provider found for: ProviderKey(AsyncSession)" in answer.text) == (500, True)
