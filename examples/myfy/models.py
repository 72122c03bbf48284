"""The bank's tables: users and accounts in one database, the audit in another."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class BankBase(DeclarativeBase):
    """Tables of the profile `main`."""


class AuditBase(DeclarativeBase):
    """Tables of the profile `audit`."""


class User(BankBase):
    """Somebody."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Account(BankBase):
    """Somebody's money."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[int] = mapped_column(ForeignKey("users.id"))
    balance: Mapped[int]


class Entry(AuditBase):
    """Something that happened, for those who ask later."""

    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
