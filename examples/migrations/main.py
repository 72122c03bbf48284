"""Two databases, brought to head when the application starts. Run it in this folder: `python main.py`."""

from __future__ import annotations

import asyncio

from app.models import Customer, Visit
from sqlalchemy import func, select

from myfy_data import DataModule


async def main() -> None:
    """Write to both databases, and count."""
    async with DataModule(migrations="upgrade") as data:
        async with data.session() as session:
            session.add(Customer(name="Ada", email="ada@example.org"))
        async with data.session("analytics") as session:
            session.add(Visit(page="/"))
        async with data.session(read_only=True) as session:
            print("customers:", await session.scalar(select(func.count()).select_from(Customer)))
        async with data.session("reports") as session:
            print("visits:", await session.scalar(select(func.count()).select_from(Visit)))


if __name__ == "__main__":
    asyncio.run(main())
