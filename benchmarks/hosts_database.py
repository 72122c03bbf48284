"""A database for `hosts.py`, on the environment that has a driver: `hosts_database.py URL make|drop NAME`."""

from __future__ import annotations

import asyncio
import sys

import asyncpg

from hosts_load import ROWS


async def make(url: str, name: str) -> None:
    """Make the database, its table, and the rows that are read."""
    server = await asyncpg.connect(url)
    await server.execute(f"CREATE DATABASE {name}")
    # How fast the disk is says nothing about the rows, which all wait for it alike.
    await server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await server.close()
    database = await asyncpg.connect(url, database=name)
    await database.execute("CREATE TABLE items (id serial PRIMARY KEY, name varchar NOT NULL)")
    await database.execute("INSERT INTO items (name) SELECT 'item ' || n FROM generate_series(1, $1::int) AS n", ROWS)
    await database.execute("ANALYZE items")
    await database.close()


async def drop(url: str, name: str) -> None:
    """Drop the database."""
    server = await asyncpg.connect(url)
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await server.close()


if __name__ == "__main__":
    asyncio.run({"make": make, "drop": drop}[sys.argv[2]](sys.argv[1], sys.argv[3]))
