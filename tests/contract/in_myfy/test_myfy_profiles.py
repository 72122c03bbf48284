"""C6: in myfy, a qualifier leads to the database that it names, or the application does not start."""

from __future__ import annotations

import re

import pytest

from tests.contract.snippets.applications import Applications

pytestmark = pytest.mark.myfy

TWO = """
    from typing import Annotated

    from myfy.core import REQUEST, Application, provider
    from myfy.core.di import Qualifier
    from myfy.web import route
    from sqlalchemy import text
    from myfy_data import AsyncEngine, AsyncSession, DatabaseSettings, DataModule, DataSettings, SessionFactory

    settings = DataSettings(
        default="main",
        profiles={
            name: DatabaseSettings(database_url=f"sqlite+aiosqlite:///./{name}.db") for name in ("main", "analytics")
        },
    )
    Analytics = Annotated[AsyncSession, Qualifier("analytics")]

    async def file_of(session) -> str:
        [(_, _, path)] = await session.execute(text("PRAGMA database_list"))
        return path.rpartition("/")[2]

    class Report:
        def __init__(self, session) -> None:
            self.session = session

    @provider(scope=REQUEST)
    def report(session: Annotated[AsyncSession, Qualifier("analytics")]) -> Report:
        return Report(session)
"""

ONE_MODULE = """
    app = Application()
    app.add_module(DataModule(settings=settings))
"""

HANDLER = """
    @route.get("/files")
    async def files(default: AsyncSession, other: Analytics, inner: Report) -> dict:
        return {"default": await file_of(default), "other": await file_of(other), "same": inner.session is other}
"""

RIGHT = (200, {"default": "main.db", "other": "analytics.db", "same": True})


@pytest.mark.parametrize("way", ["factory", "module"])
def test_a_qualified_session_is_the_databases_that_it_names(application: Applications, way: str) -> None:
    application.write(TWO + ONE_MODULE + HANDLER)

    assert application.run(("GET", "/files"), way=way) == [RIGHT]


def test_so_it_is_under_postponed_annotations(application: Applications) -> None:
    application.write("    from __future__ import annotations\n" + TWO + ONE_MODULE + HANDLER)

    assert application.run(("GET", "/files")) == [RIGHT]


OTHERS = """
    @route.get("/names")
    async def names(
        factory: Annotated[SessionFactory, Qualifier("analytics")],
        engine: Annotated[AsyncEngine, Qualifier("analytics")],
        profile: Annotated[DatabaseSettings, Qualifier("analytics")],
        default: DatabaseSettings,
    ) -> list:
        urls = (str(engine.url), str(profile.database_url), str(default.database_url))
        return [factory.profile, *(url.rpartition("/")[2] for url in urls)]
"""


def test_so_are_factories_engines_and_settings(application: Applications) -> None:
    application.write(TWO + ONE_MODULE + OTHERS)

    assert application.run(("GET", "/names")) == [(200, ["analytics", "analytics.db", "analytics.db", "main.db"])]


BODY = """
    @route.post("/{number}")
    async def mixed(number: int, body: dict, profile: DatabaseSettings, other: Analytics) -> dict:
        return {"number": number, "body": body, "other": await file_of(other), "size": profile.pool_size}
"""


def test_settings_as_parameters_leave_the_body_to_its_own(application: Applications) -> None:
    application.write(TWO + ONE_MODULE + BODY)

    [answer] = application.run(("POST", "/3", {"a": 1}))

    assert answer == (200, {"number": 3, "body": {"a": 1}, "other": "analytics.db", "size": 5})


def starts_with_the_fix(application: Applications, message: str, rest: str = "") -> bool:
    """Whether the application runs when all qualifiers are as the fix writes one."""
    found = re.search(r"fix: (Annotated\[AsyncSession, Qualifier\(.*\)\])", message)
    assert found, message
    application.write(TWO.replace('Annotated[AsyncSession, Qualifier("analytics")]', found[1]) + ONE_MODULE + rest)
    return application.run() == []


def test_a_misspelt_qualifier_of_a_handler_stops_the_start(application: Applications) -> None:
    application.write(
        TWO.replace(
            'Analytics = Annotated[AsyncSession, Qualifier("analytics")]',
            'Analytics = Annotated[AsyncSession, Qualifier("analytcs")]',
        )
        + ONE_MODULE
        + HANDLER
    )

    message = application.fail()

    assert "handler app.files, parameter 'other': there is no AsyncSession for 'analytcs'" in message
    assert starts_with_the_fix(application, message, HANDLER)


def test_a_misspelt_qualifier_of_a_provider_stops_the_start(application: Applications) -> None:
    application.write(
        TWO.replace(
            'def report(session: Annotated[AsyncSession, Qualifier("analytics")]',
            'def report(session: Annotated[AsyncSession, Qualifier("analytcs")]',
        )
        + ONE_MODULE
    )

    message = application.fail()

    assert "the provider of Report asks for an AsyncSession for 'analytcs'; known: analytics, main" in message
    assert starts_with_the_fix(application, message)


TWO_MODULES = """
    app = Application()
    opened = []
    first = DataModule({first}settings=settings, on_engine=lambda profile, engine: opened.append(profile))
    second = DataModule({second}settings=settings, on_engine=lambda profile, engine: opened.append(profile))
    app.add_module(first)
    app.add_module(second)

    @route.get("/modules")
    async def modules() -> dict:
        return {{
            "defaults": [first.get_session_factory().profile, second.get_session_factory().profile],
            "shared": first.get_engine("analytics") is second.get_engine("analytics"),
            "told": sorted(opened),
        }}
"""


@pytest.mark.parametrize(("first", "second"), [("", 'profile="analytics", '), ('profile="analytics", ', "")])
def test_of_two_modules_the_first_answers_and_both_share_engines(
    application: Applications, first: str, second: str
) -> None:
    application.write(TWO + TWO_MODULES.format(first=first, second=second) + HANDLER)

    answers = application.run(("GET", "/files"), ("GET", "/modules"))

    names = ["analytics", "main"] if first else ["main", "analytics"]
    default = {**RIGHT[1], "default": f"{names[0]}.db"}
    told = ["analytics", "analytics", "main", "main"]
    assert answers == [(200, default), (200, {"defaults": names, "shared": True, "told": told})]


def test_two_modules_with_one_name_for_two_databases_stop_the_start(application: Applications) -> None:
    other = 'DataSettings(profiles={"analytics": DatabaseSettings(database_url="sqlite+aiosqlite:///./third.db")})'
    application.write(TWO + ONE_MODULE + f"    app.add_module(DataModule(settings={other}))\n")

    assert "profile 'analytics' is also one of another DataModule, which has other settings" in application.fail()
