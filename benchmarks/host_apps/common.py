"""What all applications share: the table, the pool, and plain SQLAlchemy's way to a session."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL = os.environ["BENCH_URL"]
PRE_PING = os.environ["BENCH_PRE_PING"] == "1"
POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 0}


class Base(DeclarativeBase):
    """The tables."""


class Item(Base):
    """A row that is read or stored."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    def shown(self) -> dict[str, Any]:
        """What is answered."""
        return {"id": self.id, "name": self.name}


def plain_engine() -> AsyncEngine:
    """SQLAlchemy's own engine."""
    return create_async_engine(URL, pool_pre_ping=PRE_PING, **POOL)
