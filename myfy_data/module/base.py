"""What applications build on: `Base` for models, `IDataProvider` for modules (seed S4, S11)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncEngine
from sqlalchemy.orm import DeclarativeBase

from myfy_data.sessions.factory import SessionFactory


class Base(AsyncAttrs, DeclarativeBase):
    """A ready declarative base; a `DeclarativeBase` of your own does as well (seed S4).

    `await user.awaitable_attrs.orders` loads what was not loaded before.
    """


@runtime_checkable
class IDataProvider(Protocol):
    """A myfy module that gives access to databases; `DataModule` is one, and says so in `provides`."""

    def get_engine(self, profile: str | None = None) -> AsyncEngine:
        """The engine of a profile; of the module's default profile when none is named."""
        ...

    def get_session_factory(self, profile: str | None = None) -> SessionFactory:
        """The session factory of a profile; of the module's default profile when none is named."""
        ...
