"""The operations by SQLAlchemy's ORM: all rows but the raw driver's differ only in where the session comes from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy import String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables."""


class Item(Base):
    """A row that is read, stored or changed."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    amount: Mapped[int] = mapped_column(default=0)


class MappedOperations:
    """The operations, each in a session of its own.

    Args:
        session: opens a session that commits when its block ends well.
    """

    def __init__(self, session: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> None:
        self._session = session

    async def read(self, key: int) -> str:
        """The name of one row."""
        async with self._session() as session:
            item = await session.get_one(Item, key)
        return item.name

    async def insert(self, name: str) -> int:
        """Store one row; its key."""
        async with self._session() as session:
            session.add(item := Item(name=name))
        return item.id

    async def change(self, first: int, second: int) -> None:
        """Read two rows and add one to the amount of each."""
        async with self._session() as session:
            for item in await session.scalars(select(Item).where(Item.id.in_((first, second)))):
                item.amount += 1
