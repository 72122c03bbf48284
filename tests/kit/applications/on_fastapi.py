"""Handlers on FastAPI."""

from typing import Annotated

from app.main import data, fail, listed, read_audit, see, store_audit, store_with
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data.integrations.fastapi import Session, SessionDependency, setup

app = FastAPI()
setup(app, data)


@app.get("/items")
async def items(session: Session) -> list[str]:
    """All names."""
    return await listed(session)


@app.post("/items/{name}", status_code=201)
async def add(name: str, session: Session, background: BackgroundTasks) -> None:
    """Store one, and let a background task see it."""
    store_with(session, name)
    background.add_task(see, name)


@app.post("/fails")
async def fails(session: Session) -> None:
    """Store one, and fail."""
    await fail(session)
    raise HTTPException(409)


@app.post("/audit/{place}", status_code=201)
async def audit(place: str, background: BackgroundTasks) -> None:
    """Use the other profile."""
    if place == "background":
        background.add_task(store_audit)
    else:
        await store_audit()


@app.post("/provided", status_code=201)
async def provided(other: Annotated[AsyncSession, Depends(SessionDependency("audit"))]) -> None:
    """Use a session of the other profile that the host provides."""
    await read_audit(other)
