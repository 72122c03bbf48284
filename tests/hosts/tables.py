"""The tables that the applications write to."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables' metadata."""


class Note(Base):
    """What a handler stores; each text stands once."""

    __tablename__ = "hosts_notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(60), unique=True)


class Reply(Base):
    """Its parent is looked for at COMMIT, except by MySQL, which cannot wait."""

    __tablename__ = "hosts_replies"

    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(ForeignKey(Note.id, deferrable=True, initially="DEFERRED"))


async def create_tables(engine: AsyncEngine) -> None:
    """Create the tables; MySQL knows no deferred constraint, so it gets the notes alone."""
    tables = [Note.__table__] if engine.dialect.name == "mysql" else None
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all, tables=tables)


async def count_notes(session: AsyncSession, text: str) -> int:
    """How many notes begin with a text."""
    found = await session.scalar(select(func.count()).select_from(Note).where(Note.text.startswith(text)))
    return int(found or 0)
