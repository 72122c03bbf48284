"""S4 to S8: models, tables in development, sessions in routes and providers, and transactions that tell the truth."""

from __future__ import annotations

import pytest

from tests.contract.snippets.applications import IMPORTS, Applications

pytestmark = pytest.mark.myfy

USERS = """
    from myfy.core import REQUEST, Application, provider
    from myfy.web import route
    from sqlalchemy import ForeignKey, func, select
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
    from starlette.exceptions import HTTPException
    from LIBRARY import AsyncSession, Base, DataModule

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(unique=True)
        friend: Mapped[int | None] = mapped_column(ForeignKey("users.id", deferrable=True, initially="DEFERRED"))

    class UserRepository:
        def __init__(self, session: AsyncSession) -> None:
            self.session = session

    @provider(scope=REQUEST)
    def user_repository(session: AsyncSession) -> UserRepository:
        return UserRepository(session)

    app = Application()
    app.add_module(DataModule(auto_create_tables=True, metadata=Base.metadata))

    @route.post("/users/{name}")
    async def create(name: str, session: AsyncSession) -> dict:
        user = User(name=name)
        session.add(user)
        await session.commit()
        await session.refresh(user)
        return {"id": user.id, "name": user.name}

    @route.post("/quiet/{name}")
    async def create_without_commit(name: str, session: AsyncSession) -> dict:
        session.add(User(name=name))
        return {}

    @route.post("/crash/{name}")
    async def crash(name: str, session: AsyncSession) -> dict:
        session.add(User(name=name))
        await session.flush()
        raise RuntimeError(name)

    @route.post("/abort/{name}")
    async def abort(name: str, session: AsyncSession) -> dict:
        session.add(User(name=name))
        await session.flush()
        raise HTTPException(400)

    @route.post("/friendless/{name}")
    async def fail_at_commit(name: str, session: AsyncSession) -> dict:
        session.add(User(name=name, friend=999))
        return {"saved": True}

    @route.get("/users")
    async def names(session: AsyncSession) -> list:
        return list(await session.scalars(select(User.name).order_by(User.id)))

    @route.get("/same")
    async def same(session: AsyncSession, users: UserRepository) -> dict:
        return {"same": users.session is session}
"""


@pytest.mark.parametrize("library", IMPORTS)
def test_add_commit_and_refresh_in_a_handler(application: Applications, library: str) -> None:
    application.write(USERS, library)

    answers = application.run(("POST", "/users/Ada"), ("GET", "/users"))

    assert answers == [(200, {"id": 1, "name": "Ada"}), (200, ["Ada"])]


def test_a_base_of_ones_own_does_as_well(application: Applications) -> None:
    application.write(USERS.replace("class User(Base)", "class Base(DeclarativeBase): ...\n\n    class User(Base)"))

    assert application.run(("POST", "/users/Ada"), ("GET", "/users"))[1] == (200, ["Ada"])


def test_tables_are_not_created_in_production(application: Applications) -> None:
    application.set(MYFY_DATA_ENVIRONMENT="production")
    application.write(USERS)

    assert "auto_create_tables is refused in environment 'production'" in application.fail()


def test_a_provider_has_the_handlers_session(application: Applications) -> None:
    application.write(USERS)

    assert application.run(("GET", "/same")) == [(200, {"same": True})]


def test_success_commits(application: Applications) -> None:
    application.write(USERS)

    assert application.run(("POST", "/quiet/Ada"), ("GET", "/users"))[1] == (200, ["Ada"])


@pytest.mark.parametrize(("path", "status"), [("/crash/Bob", 500), ("/abort/Bob", 400), ("/friendless/Bob", 500)])
def test_a_failed_request_stores_nothing(application: Applications, path: str, status: int) -> None:
    application.write(USERS)

    answers = application.run(("POST", path), ("POST", "/quiet/Ada"), ("GET", "/users"))

    assert (answers[0][0], answers[2]) == (status, (200, ["Ada"]))
