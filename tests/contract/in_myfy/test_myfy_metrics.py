"""C12.2 in myfy: `DataModule(metrics="/metrics")` is answered beside the application's own routes."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import Applications

pytestmark = pytest.mark.myfy

APP = """
    from myfy.core import Application
    from myfy.web import route
    from myfy_data import DataModule

    app = Application()
    app.add_module(DataModule(metrics="/metrics"))

    @route.get("/other")
    async def other() -> dict:
        return {}
"""


def test_a_route_of_the_application_at_the_same_path_is_refused(application: Applications) -> None:
    application.write(APP.replace("/other", "/metrics"))

    assert "a route at '/metrics' of its own" in application.fail()


def test_what_is_no_path_is_refused(application: Applications) -> None:
    application.write(APP.replace('"/metrics"', '"metrics"'))

    assert "argument: metrics: expected a path" in application.fail()
