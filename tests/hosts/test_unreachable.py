"""A database that is not there stops a server in a few lines that end with the message, in each host."""

from __future__ import annotations

import logging
import traceback

import pytest

from myfy_data import DatabaseConnectionError, DataModule
from tests.sandbox import Sandbox

APPLICATIONS = {
    "fastapi": """
        from fastapi import FastAPI
        from myfy_data import DataModule
        from myfy_data.integrations.fastapi import setup

        app = FastAPI()
        setup(app, DataModule())
        """,
    "starlette": """
        from starlette.applications import Starlette
        from myfy_data import DataModule
        from myfy_data.integrations.starlette import setup

        app = Starlette()
        setup(app, DataModule())
        """,
    "litestar": """
        from litestar import Litestar
        from myfy_data import DataModule
        from myfy_data.integrations.litestar import DataPlugin

        app = Litestar(plugins=[DataPlugin(DataModule())])
        """,
    "myfy": """
        from myfy.core import Application
        from myfy.web import WebModule, create_asgi_app_with_lifespan
        from myfy_data import DataModule

        application = Application(auto_discover=False)
        application.add_module(WebModule())
        application.add_module(DataModule())
        app = create_asgi_app_with_lifespan(application)
        """,
}
LINES = {"fastapi": 20, "starlette": 20, "litestar": 50, "myfy": 25}
"""What the host's own frames come to; with the drivers' it was a hundred and more."""

NOWHERE = '[data.profiles.main]\ndatabase_url = "{}://app@127.0.0.1:1/shop"\n'


@pytest.mark.parametrize("url", ["postgresql", "mysql"])
@pytest.mark.parametrize(
    "host", [pytest.param(host, marks=pytest.mark.myfy if host == "myfy" else ()) for host in APPLICATIONS]
)
def test_a_server_says_in_a_few_lines_why_it_did_not_start(project: Sandbox, host: str, url: str) -> None:
    project.write("myfy.toml", NOWHERE.format(url))
    project.write("shop.py", APPLICATIONS[host])

    done = project.python("-m", "uvicorn", "shop:app", "--lifespan", "on", "--port", "0")

    text = done.stderr.partition("Traceback")[2].partition("ERROR:")[0]
    told = [line for line in text.splitlines() if line.strip() and not line.startswith("INFO - ")]  # Litestar's own log
    assert done.returncode == 3
    assert "nothing listens on 127.0.0.1:1" in "".join(told[-3:-1])
    assert "fix: start the server" in "".join(told[-2:])
    assert len(told) <= LINES[host], "\n".join(told)
    assert "asyncpg_connection.py" not in done.stderr


async def test_the_whole_way_is_logged_at_debug(project: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    project.write("myfy.toml", NOWHERE.format("postgresql"))
    caplog.set_level(logging.DEBUG, "myfy_data")

    with pytest.raises(DatabaseConnectionError) as caught:
        await DataModule().start()

    assert "ConnectionRefusedError" in caplog.text
    assert "backend.py" in caplog.text
    assert len(traceback.format_exception(caught.value)) < 6
    assert isinstance(caught.value.__context__, OSError)
