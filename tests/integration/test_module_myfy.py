"""`DataModule` in the real kernel of myfy: its protocol and its container (seed S9, S11)."""

from __future__ import annotations

import pytest

from myfy_data import (
    AsyncEngine,
    AsyncSession,
    DatabaseSettings,
    DataModule,
    DataSettings,
    IDataProvider,
    SessionFactory,
)

pytestmark = pytest.mark.myfy

SETTINGS = DataSettings(
    default="main",
    profiles={
        "main": DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:", pool_size=3),
        "read-replica": DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:", pool_size=4),
        "old": DatabaseSettings(database_url="sqlite+aiosqlite:///:memory:", active=False),
    },
)


def test_it_is_a_module_and_a_data_provider() -> None:
    from myfy.core.kernel.module import Module  # noqa: PLC0415 - not there on Python 3.11

    data = DataModule(settings=SETTINGS)

    assert isinstance(data, Module)
    assert isinstance(data, IDataProvider)
    assert (data.name, data.requires, data.provides) == ("data", [], [IDataProvider])


async def test_the_kernel_starts_and_stops_it() -> None:
    from myfy.core import Application  # noqa: PLC0415 - as above

    app = Application(auto_discover=False)
    app.add_module(DataModule(settings=SETTINGS))

    await app.start()
    engine = app.container.get(AsyncEngine)
    async with app.container.get(SessionFactory).session_context() as session:
        bind = session.bind
        await session.connection()
        bound = session.bind
    await app.stop()

    assert bind is bound is engine


@pytest.mark.parametrize(("qualifier", "profile"), [(None, "main"), ("main", "main"), ("read-replica", "read-replica")])
async def test_each_profile_is_there_by_its_name(qualifier: str | None, profile: str) -> None:
    from myfy.core import Application  # noqa: PLC0415 - as above

    app = Application(auto_discover=False)
    data = DataModule(settings=SETTINGS)
    app.add_module(data)
    await app.start()
    get = app.container.get

    assert get(SessionFactory, qualifier).profile == profile
    assert get(AsyncEngine, qualifier) is data.get_engine(profile)
    assert get(DatabaseSettings, qualifier) is SETTINGS.profiles[profile]
    assert get(DataSettings) is SETTINGS
    await app.stop()


async def test_a_request_has_one_session_and_the_next_has_another() -> None:
    from myfy.core import Application  # noqa: PLC0415 - as above
    from myfy.core.di import ScopeContext  # noqa: PLC0415 - as above

    app = Application(auto_discover=False)
    app.add_module(DataModule(settings=SETTINGS))
    await app.start()
    sessions = []
    for _ in range(2):
        ScopeContext.init_request_scope()
        sessions.append((app.container.get(AsyncSession), app.container.get(AsyncSession)))
        ScopeContext.clear_request_bag()
    await app.stop()

    (first, again), (other, _) = sessions
    assert (first is again, first is other, isinstance(first, AsyncSession)) == (True, False, True)


async def test_a_qualified_dependency_of_a_provider_is_resolved() -> None:
    from typing import Annotated  # noqa: PLC0415 - to be a name of this function

    from myfy.core import Application  # noqa: PLC0415 - as above
    from myfy.core.di import Qualifier  # noqa: PLC0415 - as above

    class Reports:
        def __init__(self, factory: SessionFactory) -> None:
            self.factory = factory

    def make(factory: Annotated[SessionFactory, Qualifier("read-replica")]) -> Reports:
        return Reports(factory)

    # myfy-core 0.1.2 looks names up in the module, where these are not.
    make.__annotations__ = {"factory": Annotated[SessionFactory, Qualifier("read-replica")], "return": Reports}
    app = Application(auto_discover=False)
    app.add_module(DataModule(settings=SETTINGS))
    app.container.register(Reports, make)
    await app.start()
    reports = app.container.get(Reports)
    await app.stop()

    assert reports.factory.profile == "read-replica"


async def test_an_inactive_profile_is_not_registered() -> None:
    from myfy.core import Application  # noqa: PLC0415 - as above
    from myfy.core.di.errors import ProviderNotFoundError  # noqa: PLC0415 - as above

    app = Application(auto_discover=False)
    app.add_module(DataModule(settings=SETTINGS))
    app.initialize()

    with pytest.raises(ProviderNotFoundError):
        app.container.get(SessionFactory, "old")
