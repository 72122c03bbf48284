"""Factories of polyfactory and factory_boy store by the session of the test (contract C13.1)."""

from __future__ import annotations

from tests.kit.conftest import Server
from tests.kit.project import KitProject

FACTORIES = """
import factory
from factory.alchemy import SQLAlchemyModelFactory
from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory

from myfy_data import ConfigError
from myfy_data.testing.factories import bind_factories, current_session


class PolyItem(SQLAlchemyFactory[Item]):
    __set_primary_key__ = False
    name = "poly"


class BoyItem(SQLAlchemyModelFactory):
    class Meta:
        model = Item
        sqlalchemy_session_factory = current_session

    name = factory.Sequence(lambda number: f"boy {number}")


class PolyAudit(SQLAlchemyFactory[Item]):
    __set_primary_key__ = False
    name = "audit"


bind_factories(PolyItem)
bind_factories(PolyAudit, profile="audit")


@pytest.mark.parametrize("time", [1, 2])
async def test_poly(session, time):
    item = await PolyItem.create_async()
    assert item in session
    assert item.id > 0
    assert await names() == ["poly"]
    await PolyItem.create_batch_async(2)
    assert await names() == ["poly"] * 3
    item.name = "changed"
    await session.commit()
    assert await names() == ["changed", "poly", "poly"]


async def test_poly_without_a_fixture():
    await PolyItem.create_async()
    assert await names() == ["poly"]


@pytest.mark.parametrize("time", [1, 2])
async def test_boy(session, time):
    BoyItem.create_batch(2)
    made = BoyItem(name="a")
    assert made in session
    await session.commit()
    assert len(await names()) == 3
    assert made.id > 0


@pytest.mark.data("main", "audit")
async def test_of_another_profile(data):
    await PolyAudit.create_async()
    assert (await names("audit"), await names()) == (["audit"], [])


async def test_of_an_undeclared_profile(data):
    await PolyAudit.create_async()


def test_what_cannot_be_bound():
    with pytest.raises(ConfigError, match="in class Meta: sqlalchemy_session_factory = current_session"):
        bind_factories(BoyItem)
"""

OUTSIDE = """


def test_outside():
    with pytest.raises(SessionError, match="a factory was used outside of a test of the kit"):
        BoyItem()
"""


def test_factories_store_in_the_session_of_the_test(kit_project: KitProject, postgresql: Server) -> None:
    kit_project.profile(postgresql.url())
    kit_project.profile(postgresql.url("audit"), "audit")
    with (kit_project.root / "myfy.toml").open("a") as file:
        file.write('[data]\ndefault = "main"\n')
    result = kit_project.run(FACTORIES)
    assert [test for test, outcome in result.outcomes.items() if outcome != "passed"] == [
        "test_of_an_undeclared_profile"
    ], result.output
    assert len(result.outcomes) == 8
    assert "used profile 'audit', which it does not declare" in result.told("test_of_an_undeclared_profile")
    assert postgresql.run("SELECT count(*) FROM items", f"{postgresql.prefix}_test") == [(0,)]


def test_a_factory_outside_of_a_test_of_the_kit_is_told(kit_project: KitProject) -> None:
    kit_project.profile("sqlite://")
    result = kit_project.run(FACTORIES.partition("@pytest")[0] + OUTSIDE, options="")
    assert result.passed, result.output
