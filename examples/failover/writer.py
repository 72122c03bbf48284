"""Stores a row ten times a second for so many seconds, and tells which server took it, and what was not stored."""

import asyncio
import sys
import time

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from myfy_data import CommitOutcomeUnknown, DataModule

CREATE = text("CREATE TABLE IF NOT EXISTS seen (i int)")
INSERT = text("INSERT INTO seen (i) VALUES (:i) RETURNING inet_server_port()")


async def write(data: DataModule, number: int) -> str:
    """Store one row, and say what became of it."""
    try:
        async with data.session() as session:
            return f"{await session.scalar(INSERT, {'i': number})} stores"
    except CommitOutcomeUnknown:
        return "nobody knows whether a row is stored"
    except DBAPIError:
        return "a row is not stored"


async def main(seconds: float) -> None:
    """Write until the time is over."""
    async with DataModule() as data:
        async with data.session() as session:
            await session.execute(CREATE)
        end, said = time.monotonic() + seconds, ""
        for number in range(1, sys.maxsize):
            outcome = await write(data, number)
            if outcome != said:
                print(f"row {number}: {outcome}", flush=True)
                said = outcome
            if time.monotonic() > end:
                break
            await asyncio.sleep(0.1)
        print(f"{number} rows tried; {data.cluster().primary} is the primary")


asyncio.run(main(float(sys.argv[1])))
