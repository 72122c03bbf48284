"""C12.1 and C12.7 in myfy: `health=` and `dev=` of `DataModule` are answered beside the application's own routes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.snippets.applications import Applications

pytestmark = pytest.mark.myfy

APP = """
    from myfy.core import Application
    from myfy.web import route
    from myfy_data import DataModule

    app = Application()
    app.add_module(DataModule(health="/health"))

    @route.get("/health-of-mine")
    async def mine() -> dict:
        return {}
"""


@pytest.mark.parametrize("way", ["factory", "web"])
def test_the_three_questions_are_answered(application: Applications, way: str) -> None:
    application.write(APP)
    answers: list[tuple[int, Any]] = application.run(
        ("GET", "/health/live"), ("GET", "/health/ready"), ("GET", "/health"), ("GET", "/health-of-mine"), way=way
    )

    assert answers[0] == (200, {"status": "ok", "profiles": {}})
    assert (answers[1][0], answers[1][1]["status"], list(answers[1][1]["profiles"])) == (200, "ok", ["default"])
    assert (answers[2][0], answers[2][1]["profiles"]["default"]["pool"]["waiting"]) == (200, 0)
    assert answers[3] == (200, {})


def test_a_route_of_the_application_at_the_same_path_is_refused(application: Applications) -> None:
    application.write(APP.replace("/health-of-mine", "/health"))

    assert "a route at '/health' of its own" in application.fail()


def test_what_is_no_path_is_refused(application: Applications) -> None:
    application.write(APP.replace('"/health"', '"health"'))

    assert "argument: health: expected a path" in application.fail()


DEV = """
    from myfy.core import Application
    from myfy.web import route
    from sqlalchemy import text
    from myfy_data import AsyncSession, DataModule

    app = Application()
    data = DataModule(dev="/_data")
    app.add_module(data)

    @route.get("/work/{id}")
    async def work(id: int, session: AsyncSession) -> dict:
        await session.execute(text("SELECT 'CANARY-dev', 5"))
        return {}

    @route.get("/noted")
    async def noted() -> dict:
        [first, *_] = data.endpoints.log.recent()[1:]
        texts = [statement.text for statement in first.statements]
        return {"path": first.path, "status": first.status, "texts": texts}
"""


@pytest.mark.parametrize("way", ["factory", "web"])
def test_the_page_of_development_notes_requests(application: Applications, way: str) -> None:
    application.write(DEV)
    answers: list[tuple[int, Any]] = application.run(("GET", "/work/7"), ("GET", "/noted"), way=way)

    assert answers[1][0] == 200
    assert answers[1][1]["path"] == "/work/7"
    assert (answers[1][1]["status"], answers[1][1]["texts"][0]) == (200, "SELECT ?, ?")


def test_the_page_of_development_is_refused_in_production(application: Applications) -> None:
    application.write(DEV)
    application.set(MYFY_DATA_ENVIRONMENT="production", MYFY_DATA_DATABASE_URL="sqlite:///app.db")

    assert "the page of development is refused in environment 'production'" in application.fail()
