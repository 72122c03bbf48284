"""The job sends each receipt once."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from shop import receipts
from shop.models import Order


@pytest.fixture
async def two_orders(data, apples) -> None:
    async with data.session() as session:
        session.add_all(Order(item="apple", quantity=1, email=f"{name}@example.org") for name in ("ada", "bob"))


@pytest.fixture
def delivered(monkeypatch) -> list[str]:
    """The addresses that a receipt went to; none can be delivered to Bob."""
    letters = []

    async def deliver(email: str, _text: str) -> None:
        if email.startswith("bob"):
            raise ConnectionError("no such mailbox")
        letters.append(email)

    monkeypatch.setattr(receipts, "deliver", deliver)
    return letters


async def test_a_receipt_is_sent_once(two_orders, capsys):
    assert (await receipts.send_all(), await receipts.send_all()) == (2, 0)
    assert capsys.readouterr().out.count("to ") == 2


async def test_a_letter_that_cannot_be_delivered_stays_to_be_sent(session, two_orders, delivered):
    with pytest.raises(ConnectionError):
        await receipts.send_all()

    assert delivered == ["ada@example.org"]
    assert list(await session.scalars(select(Order.email).where(~Order.receipt_sent))) == ["bob@example.org"]


async def test_a_lost_lock_is_an_error_and_sends_nothing(session, two_orders, delivered, data):
    with data.refuse("main", sqlstate="40001"), pytest.raises(DBAPIError):
        await receipts.send_next()

    assert delivered == []
