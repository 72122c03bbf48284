"""The shop's tables: its goods and orders in one database, what happened in another."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class ShopBase(DeclarativeBase):
    """Tables of the profile `main`."""


class EventBase(DeclarativeBase):
    """Tables of the profile `analytics`."""


class Item(ShopBase):
    """Something to buy, and how many of it are left."""

    __tablename__ = "items"

    name: Mapped[str] = mapped_column(primary_key=True)
    left: Mapped[int]


class Order(ShopBase):
    """Somebody bought something."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(ForeignKey("items.name"))
    quantity: Mapped[int]
    receipt_sent: Mapped[bool] = mapped_column(default=False)


class Event(EventBase):
    """Something happened."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
