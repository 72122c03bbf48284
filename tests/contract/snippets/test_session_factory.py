"""S9: the session factory is a singleton for jobs."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import IMPORTS, Applications

pytestmark = pytest.mark.myfy

JOBS = """
    from myfy.core import SINGLETON, Application, provider
    from myfy.web import route
    from sqlalchemy import text
    from LIBRARY import DataModule, SessionFactory

    class Jobs:
        def __init__(self, factory: SessionFactory) -> None:
            self.factory = factory

    @provider(scope=SINGLETON)
    def jobs(factory: SessionFactory) -> Jobs:
        return Jobs(factory)

    app = Application()
    app.add_module(DataModule())

    @route.post("/run")
    async def run(factory: SessionFactory, jobs: Jobs) -> dict:
        async with factory.session_context() as session:
            await session.execute(text("CREATE TABLE jobs (id INTEGER)"))
            await session.execute(text("INSERT INTO jobs VALUES (1)"))
        async with factory.create_session() as session:
            await session.execute(text("INSERT INTO jobs VALUES (2)"))
        async with factory.create_session() as session:
            return {"rows": await session.scalar(text("SELECT count(*) FROM jobs")), "one": jobs.factory is factory}
"""


@pytest.mark.parametrize("library", IMPORTS)
def test_jobs_have_sessions(application: Applications, library: str) -> None:
    application.write(JOBS, library)

    assert application.run(("POST", "/run")) == [(200, {"rows": 1, "one": True})]
