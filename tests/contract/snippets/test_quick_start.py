"""S1: the quick start runs as written, with `Application()` at its defaults."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import IMPORTS, Applications

pytestmark = pytest.mark.myfy

QUICK_START = """
    from myfy.core import Application
    from myfy.web import route
    from sqlalchemy import text
    from LIBRARY import AsyncSession, DataModule

    app = Application()
    app.add_module(DataModule())

    @route.get("/users/{user_id}")
    async def get_user(user_id: int, session: AsyncSession) -> dict:
        return {"id": await session.scalar(text("SELECT :id"), {"id": user_id}), "session": id(session)}
"""


@pytest.mark.parametrize("way", ["factory", "module"])
@pytest.mark.parametrize("library", IMPORTS)
def test_the_session_is_injected(application: Applications, library: str, way: str) -> None:
    application.write(QUICK_START, library)

    [(status, body)] = application.run(("GET", "/users/7"), way=way)

    assert (status, body["id"]) == (200, 7)


def test_each_request_has_a_session_of_its_own(application: Applications) -> None:
    application.write(
        QUICK_START.replace('"session": id(session)', '"first": not seen.append(session), "many": len(set(seen))')
        + "\n    seen = []\n"
    )

    answers = application.run(("GET", "/users/1"), ("GET", "/users/2"))

    assert [body["many"] for _, body in answers] == [1, 2]


@pytest.mark.parametrize("kind", ["postgresql_url", "mysql_url"])
def test_it_runs_on_servers(application: Applications, kind: str, request: pytest.FixtureRequest) -> None:
    application.set(MYFY_DATA_DATABASE_URL=request.getfixturevalue(kind))
    application.write(QUICK_START.replace("SELECT :id", "SELECT 41 + 1"))

    [(status, body)] = application.run(("GET", "/users/7"))

    assert (status, body["id"]) == (200, 42)
