"""An attribute that is not loaded and read without `await` is named, with what loads it, on every database."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.exc import MissingGreenlet, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession
from sqlalchemy.orm import DeclarativeBase, DynamicMapped, Mapped, mapped_column, relationship, selectinload, undefer

from myfy_data import DataModule, SessionError
from tests.databases import OF_THE_KIT


class Plain(DeclarativeBase):
    """A base as most have it."""


class User(Plain):
    """With one attribute of each kind that loads itself."""

    __tablename__ = "lazy_users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    bio: Mapped[str] = mapped_column(String(20), deferred=True)
    orders: Mapped[list[Order]] = relationship(back_populates="user")
    recent: DynamicMapped[Order] = relationship(viewonly=True)


class Order(Plain, AsyncAttrs):
    """One whose attributes can be awaited."""

    __tablename__ = "lazy_orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("lazy_users.id"))
    user: Mapped[User] = relationship(back_populates="orders")


@pytest.fixture(params=OF_THE_KIT)
async def session(request: pytest.FixtureRequest, data: DataModule) -> AsyncIterator[AsyncSession]:
    async with data.session(request.param) as session:
        await (await session.connection()).run_sync(Plain.metadata.create_all)
        session.add(User(id=1, name="ada", bio="x", orders=[Order(id=1)]))
    async with data.session(request.param) as session:
        yield session


READS: dict[str, tuple[type[Any], Callable[[Any], Any]]] = {
    "User.orders": (User, lambda user: user.orders),
    "User.bio": (User, lambda user: user.bio),
    "Order.user": (Order, lambda order: order.user),
}


def refusal(read: Callable[[Any], Any], thing: Any) -> str:
    """What reading an attribute is answered with; it is SQLAlchemy's error, too."""
    with pytest.raises(MissingGreenlet) as caught:
        read(thing)
    assert isinstance(caught.value, SessionError)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize("name", READS)
async def test_the_attribute_is_named_and_loaded_as_the_fix_says(session: AsyncSession, name: str) -> None:
    kind, read = READS[name]
    told = refusal(read, (await session.scalars(select(kind))).one())
    assert re.match(rf"profile '\w+': {name} was not loaded", told)
    fix = told.partition("fix: ")[2].partition("; or ")[0]
    session.expunge_all()

    statement = eval(fix, {"select": select, "selectinload": selectinload, "undefer": undefer} | vars_of_models())

    assert read((await session.scalars(statement)).one())


def vars_of_models() -> dict[str, Any]:
    """The models as a user's file has them."""
    return {"User": User, "Order": Order}


async def test_it_is_named_after_a_commit_too_when_there_is_no_connection(session: AsyncSession) -> None:
    user = (await session.scalars(select(User))).one()
    await session.commit()

    assert "User.orders was not loaded" in refusal(lambda user: user.orders, user)


async def test_what_has_expired_is_refreshed_as_the_fix_says(session: AsyncSession) -> None:
    user = (await session.scalars(select(User))).one()
    await session.rollback()
    told = refusal(lambda user: user.name, user)
    assert "User.name has expired" in told

    await session.refresh(user, ["name"])

    assert 'fix: await session.refresh(user, ["name"])' in told
    assert user.name == "ada"


async def test_awaitable_attrs_is_told_of_with_what_the_base_needs(session: AsyncSession) -> None:
    order = (await session.scalars(select(Order))).one()
    assert refusal(lambda order: order.user, order).endswith("or await order.awaitable_attrs.user")

    user = await order.awaitable_attrs.user

    assert "once its base is `class Base(AsyncAttrs, DeclarativeBase)`" in refusal(lambda user: user.bio, user)


async def test_a_statement_outside_of_await_is_told_as_that(session: AsyncSession) -> None:
    user = (await session.scalars(select(User))).one()

    told = refusal(lambda user: list(user.recent), user)

    assert "a statement was to run where nothing can be awaited" in told
    assert await session.run_sync(lambda _: len(list(user.recent))) == 1


async def test_the_session_goes_on_after_it(session: AsyncSession) -> None:
    user = (await session.scalars(select(User))).one()
    refusal(lambda user: user.orders, user)

    await session.refresh(user, ["orders"])

    assert [order.id for order in user.orders] == [1]


async def test_any_other_error_stays_as_it_is(session: AsyncSession) -> None:
    with pytest.raises((OperationalError, ProgrammingError)):
        await session.execute(select(User.id.op("no such operator")(1)))
    await session.rollback()
