"""Two databases: write, roll back, read. Run it in this folder: `python app.py`."""

from __future__ import annotations

import asyncio

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from myfy_data import Base, DataModule


class User(Base):
    """A row of the table `users`."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


async def main() -> None:
    """Use both profiles of myfy.toml."""
    # README: from here
    async with DataModule(auto_create_tables=True, metadata=Base.metadata) as data:
        async with data.session() as session:  # the default profile; commits when the block ends
            await session.merge(User(id=1, name="Ada"))
        try:
            async with data.session() as session:  # rolls back when the block raises
                session.add_all([User(id=2, name="Bob"), User(id=1, name="Eve")])
        except IntegrityError as error:
            print("rolled back:", error.orig)
        async with data.session(read_only=True) as session:
            print("main:", *await session.scalars(select(User.name)))
        async with data.session("analytics") as session:
            print("analytics:", await session.scalar(text("select count(*) from sqlite_master")), "tables")
    # README: to here


if __name__ == "__main__":
    asyncio.run(main())
