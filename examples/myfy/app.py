"""A bank on myfy, with a database for money and one for the audit. Run it in this folder: `uvicorn app:asgi`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from models import Account, AuditBase, BankBase, Entry, User
from myfy.core import REQUEST, Application, Qualifier, provider
from myfy.web import WebModule, create_asgi_app_with_lifespan, route
from pydantic import BaseModel
from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from myfy.data import AsyncSession, DataModule, SessionFactory
from myfy_data import load_settings


class Transfer(BaseModel):
    """The body of `POST /transfers`."""

    source: int
    target: int
    amount: int


class Accounts:
    """What the bank does with accounts, in the session of a request."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def move(self, transfer: Transfer) -> None:
        """Move the money, then look whether it was there."""
        source = await self._session.get_one(Account, transfer.source, with_for_update=True)
        target = await self._session.get_one(Account, transfer.target, with_for_update=True)
        source.balance -= transfer.amount
        target.balance += transfer.amount
        await self._session.flush()  # sent, not stored
        if source.balance < 0:
            raise HTTPException(409, f"account {source.id} has no {transfer.amount}")


@provider(scope=REQUEST)
def accounts(session: AsyncSession) -> Accounts:
    """Its session is the handler's own."""
    return Accounts(session)


@route.get("/users/{user_id}")
async def get_user(user_id: int, session: AsyncSession) -> dict:
    """The session is injected, one per request."""
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(404, f"there is no user {user_id}")
    return {"id": user.id, "name": user.name}


@route.post("/users/{name}")
async def create_user(name: str, session: AsyncSession) -> dict:
    """An explicit commit is honoured; what comes after it is a new transaction under the same rule."""
    user = User(name=name)
    session.add(user)
    await session.commit()
    await session.refresh(user)
    session.add(Account(owner=user.id, balance=100))
    return {"id": user.id}


@route.post("/transfers")
async def transfer(body: Transfer, accounts: Accounts, audit: Annotated[AsyncSession, Qualifier("audit")]) -> dict:
    """Two databases in one request: when money is missing, nothing is left in either."""
    audit.add(Entry(what=f"{body.amount} from {body.source} to {body.target}"))
    await accounts.move(body)
    return {"moved": body.amount}


@route.get("/statement")
async def statement(factory: SessionFactory) -> StreamingResponse:
    """A stream begins after the request's sessions have ended, and opens one of its own."""

    async def lines() -> AsyncIterator[str]:
        async with factory.session_context(read_only=True) as session:
            async for account in await session.stream_scalars(select(Account).order_by(Account.id)):
                yield f"{account.id},{account.balance}\n"

    return StreamingResponse(lines(), media_type="text/csv")


settings = load_settings()
make_tables = settings.environment in ("development", "test")  # in production, migrations do
app = Application()
app.add_module(WebModule())  # myfy-web 0.1.2 needs the line, 0.1.2a94 does not mind it
app.add_module(DataModule(settings=settings, auto_create_tables=make_tables, metadata=BankBase.metadata))
if make_tables:  # a module creates the tables of its default profile; on the same settings two share their pools
    app.add_module(DataModule("audit", settings=settings, auto_create_tables=True, metadata=AuditBase.metadata))
asgi = create_asgi_app_with_lifespan(app)
