"""The tables of both databases."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Shop(DeclarativeBase):
    """Tables of the profile `main`."""


class Analytics(DeclarativeBase):
    """Tables of the profile `analytics`."""


class Item(Shop):
    """Something to buy: its price in cents, and how many of it there are."""

    __tablename__ = "items"
    __table_args__ = (CheckConstraint("stock >= 0", "items_stock"),)

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    price: Mapped[int]
    stock: Mapped[int]


class Order(Shop):
    """Somebody bought something."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(ForeignKey("items.name"))
    quantity: Mapped[int]
    email: Mapped[str] = mapped_column(String(200))
    receipt_sent: Mapped[bool] = mapped_column(default=False)


class Sale(Analytics):
    """An order, as those who count see it."""

    __tablename__ = "sales"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(String(100))
    cents: Mapped[int]
