"""What a myfy handler returns of mapped classes is answered as its loaded columns (contract C15, seed S1)."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import IMPORTS, Applications

pytestmark = pytest.mark.myfy

USERS = """
    import datetime, decimal, enum, uuid

    from myfy.core import Application
    from myfy.web import route
    from sqlalchemy import ForeignKey, select
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
    from LIBRARY import AsyncSession, DataModule

    class Base(DeclarativeBase):
        pass

    class Colour(enum.Enum):
        RED = "red"

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        notes: Mapped[list["Note"]] = relationship()

    class Note(Base):
        __tablename__ = "notes"
        id: Mapped[int] = mapped_column(primary_key=True)
        owner: Mapped[int] = mapped_column(ForeignKey("users.id"))
        long: Mapped[str] = mapped_column(default="long", deferred=True)

    class Thing(Base):
        __tablename__ = "things"
        id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
        price: Mapped[decimal.Decimal]
        made: Mapped[datetime.datetime]
        day: Mapped[datetime.date]
        colour: Mapped[Colour]
        code: Mapped[bytes]
        note: Mapped[str | None]

    app = Application()
    app.add_module(DataModule(auto_create_tables=True, metadata=Base.metadata))

    async def made(session: AsyncSession, name: str) -> User:
        user = User(name=name)
        session.add(user)
        return user
"""

QUICK_START = (
    USERS
    + """
    @route.post("/users/{name}")
    async def create_user(name: str, session: AsyncSession) -> dict:
        user = User(name=name)
        session.add(user)
        await session.commit()
        await session.refresh(user)
        return {"user": user}

    @route.get("/users/{user_id}")
    async def get_user(user_id: int, session: AsyncSession) -> dict:
        user = await session.get(User, user_id)
        return {"user": user}
"""
)

ADA = {"id": 1, "name": "Ada"}
BOB = {"id": 2, "name": "Bob"}


@pytest.mark.parametrize("way", ["factory", "module"])
@pytest.mark.parametrize("library", IMPORTS)
def test_the_quick_start_answers_its_users(application: Applications, library: str, way: str) -> None:
    application.write(QUICK_START, library)

    answers = application.run(("POST", "/users/Ada"), ("GET", "/users/1"), ("GET", "/users/2"), way=way)

    assert answers == [(200, {"user": ADA}), (200, {"user": ADA}), (200, {"user": None})]


@pytest.mark.parametrize(
    ("handler", "answer"),
    [
        ("return await made(session, 'Ada')", ADA),
        ("return [await made(session, 'Ada'), await made(session, 'Bob')]", [ADA, BOB]),
        ("return (await made(session, 'Ada'), 7)", [ADA, 7]),
        ("return {'a': [{'b': (await made(session, 'Ada'),)}], 'c': 1.5}", {"a": [{"b": [ADA]}], "c": 1.5}),
        ("user = await made(session, 'Ada'); await session.commit(); return user", ADA),
        ("return User(name='Ada')", {"name": "Ada"}),
        ("return {}", {}),
        ("return [await made(session, 'Ada')] * 2", [ADA, ADA]),
    ],
)
def test_an_object_is_its_columns_wherever_it_stands(application: Applications, handler: str, answer: object) -> None:
    lines = "".join(f"\n        {line}" for line in handler.split("; "))
    application.write(f"{USERS}\n    @route.get('/')\n    async def answer(session: AsyncSession) -> object:{lines}\n")

    assert application.run(("GET", "/")) == [(200, answer)]


RELATED = (
    USERS
    + """
    @route.get("/store")
    async def store(session: AsyncSession) -> dict:
        session.add(User(name="Ada", notes=[Note()]))
        return {}

    @route.get("/load")
    async def load(session: AsyncSession) -> list:
        return (await session.scalars(select(Note))).all()
"""
)


def test_what_is_not_loaded_is_left_out_and_never_loaded(application: Applications) -> None:
    application.write(RELATED)

    answers = application.run(("GET", "/store"), ("GET", "/load"))

    assert answers == [(200, {}), (200, [{"id": 1, "owner": 1}])]


THINGS = (
    USERS
    + """
    @route.get("/")
    async def thing(session: AsyncSession) -> Thing:
        made = datetime.datetime(2026, 2, 3, 4, 5, 6)
        thing = Thing(id=uuid.UUID(int=7), price=decimal.Decimal("1.50"), made=made, day=made.date(),
                      colour=Colour.RED, code=bytes([255, 0]), note=None)
        session.add(thing)
        return thing
"""
)


def test_values_of_columns_are_written_as_pydantic_writes_them(application: Applications) -> None:
    application.write(THINGS)

    [(status, body)] = application.run(("GET", "/"))

    assert status == 200
    assert body == {
        "id": "00000000-0000-0000-0000-000000000007",
        "price": "1.50",
        "made": "2026-02-03T04:05:06",
        "day": "2026-02-03",
        "colour": "red",
        "code": "_wA=",
        "note": None,
    }


EXPIRED = (
    USERS
    + """
    @route.get("/expired")
    async def expired(session: AsyncSession) -> User:
        user = await made(session, "Ada")
        await session.flush()
        session.expire(user)
        return user

    @route.get("/unsayable")
    async def unsayable(session: AsyncSession) -> dict:
        return {"user": await made(session, "Bob"), "what": object()}

    @route.get("/count")
    async def count(session: AsyncSession) -> list:
        return [user.name for user in await session.scalars(select(User))]
"""
)


@pytest.mark.parametrize(
    ("path", "words"), [("/expired", "no column of this User is loaded"), ("/unsayable", "object is not JSON")]
)
def test_an_object_without_an_answer_stores_nothing(application: Applications, path: str, words: str) -> None:
    application.write(EXPIRED)

    [(status, problem), (_, names)] = application.run(("GET", path), ("GET", "/count"))

    assert (status, names) == (500, [])
    assert words in problem["detail"]
