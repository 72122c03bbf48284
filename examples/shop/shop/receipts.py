"""The job: send a receipt for each order. Run it by hand or by a timer: `python -m shop.receipts`."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from shop.database import data
from shop.models import Order


async def deliver(email: str, text: str) -> None:
    """Stands in for a mail server."""
    print(f"to {email}: {text}")


async def send_next() -> bool:
    """Send one receipt; False when none is missing.

    One order is one transaction: when its letter cannot be delivered, it stays unsent, and those before it are done. An
    order that another process is at is passed over, so the job may run several times at once.
    """
    async with data.session() as session:
        order = await session.scalar(
            select(Order)
            .where(Order.receipt_sent.is_(False))
            .order_by(Order.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if order is None:
            return False
        await deliver(order.email, f"{order.quantity} of {order.item}, order {order.id}")
        order.receipt_sent = True
        return True


async def send_all() -> int:
    """Send what is missing, and say how many that were."""
    sent = 0
    while await send_next():
        sent += 1
    return sent


async def main() -> None:
    """Open the databases, work, close them."""
    async with data:
        print("receipts sent:", await send_all())


if __name__ == "__main__":
    asyncio.run(main())
