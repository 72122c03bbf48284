"""A club on myfy: members by myfy-user, letters by myfy-tasks, and one unit of work for both."""

from __future__ import annotations

from myfy.core import Application
from myfy.tasks import TaskQueue, TasksModule, task
from myfy.user import UserAlreadyExistsError, UserModule
from myfy.user.services.user import UserService
from myfy.web import WebModule, create_asgi_app_with_lifespan, route
from myfy.web.auth import AuthModule
from pydantic import BaseModel
from sqlalchemy.orm import Mapped, mapped_column
from starlette.exceptions import HTTPException

from myfy.data import AsyncSession, Base, DataModule, SessionFactory


class Letter(Base):
    """What the club wrote to a member."""

    __tablename__ = "letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    to: Mapped[str]


class NewMember(BaseModel):
    """The body of `POST /members`."""

    email: str
    password: str


@task
async def write_letter(to: str, factory: SessionFactory) -> int:
    """Runs in a worker, in a session of its own."""
    async with factory.session_context() as session:
        letter = Letter(to=to)
        session.add(letter)
        await session.flush()
        return letter.id


@route.post("/members")
async def join(body: NewMember, session: AsyncSession, users: UserService, queue: TaskQueue) -> dict:
    """The member and the task are stored together, or neither is."""
    try:
        member = await users.create(body.email, body.password)
    except UserAlreadyExistsError:
        raise HTTPException(409, f"{body.email} is a member") from None
    letter = await queue.enqueue(session, name=write_letter.name, args={"to": body.email})
    if body.email.endswith("@nowhere.example"):
        raise HTTPException(422, "no letter arrives there")
    return {"member": member.email, "letter": letter}


@route.get("/letters/{letter_id}")
async def letter(letter_id: int, session: AsyncSession) -> dict:
    """A mapped object is answered as its columns."""
    return {"letter": await session.get(Letter, letter_id)}


users = UserModule(auto_create_tables=True, enable_routes=False)  # myfy-web cannot read the hints of its routes
app = Application(auto_discover=False)  # else each sister adds a module of its own
app.add_module(WebModule())
app.add_module(DataModule(auto_create_tables=True, metadata=Base.metadata))
app.add_module(AuthModule(authenticated_provider=users.get_authenticated_provider()))
app.add_module(users)
app.add_module(TasksModule(auto_create_tables=True))
asgi = create_asgi_app_with_lifespan(app)
