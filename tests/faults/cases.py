"""What the exhaustive loop combines: troubles, requests, and the state in which the pool is when a request begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseSettings, DataModule, DataSettings
from tests.databases import Database
from tests.faults.rules import Fault

DEADLINE = 1.0
"""Seconds that settings give to each thing that a server is waited for."""

ALLOWANCE = 1.0
"""Seconds that contract C10 allows beyond the deadline."""

SHORT, LONG = 0.05, 1.5 * DEADLINE
"""A delay within every timeout, and one after which the client has timed out and the message comes all the same."""


@dataclass(frozen=True)
class Trouble:
    """A fault with its details.

    Attributes:
        name: as it stands in the report.
        fault: what the proxy does.
        details: what `FaultProxy.arm` is told besides.
        is_harmless: whether every request must succeed in spite of it.
        cancels: whether the caller is cancelled at that moment.
    """

    name: str
    fault: Fault
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    is_harmless: bool = False
    cancels: bool = False


TROUBLES = (
    Trouble("delay within the deadline", Fault.DELAY, {"seconds": SHORT}, is_harmless=True),
    Trouble("delay beyond the deadline", Fault.DELAY, {"seconds": LONG}),
    Trouble("black hole", Fault.BLACK_HOLE),
    Trouble("silent server", Fault.BLACK_HOLE, {"everywhere": True}),
    Trouble("reset", Fault.RESET),
    Trouble("half-close", Fault.HALF_CLOSE),
    Trouble("answer cut", Fault.CUT),
    Trouble("answer lost, silence", Fault.LOSE_REPLY),
    Trouble("answer lost, close", Fault.LOSE_REPLY_AND_CLOSE),
    Trouble("caller cancelled", Fault.DELAY, {"seconds": SHORT}, cancels=True),
)

Request = Callable[[AsyncSession, Database, str], Awaitable[object]]


async def read(session: AsyncSession, database: Database, _: str) -> None:
    """Read one row."""
    await session.execute(select(database.notes.c.text).limit(1))


async def insert(session: AsyncSession, database: Database, label: str) -> None:
    """Store one row, labelled."""
    await session.execute(database.note(label))


async def transaction(session: AsyncSession, database: Database, label: str) -> None:
    """Store two rows, or none."""
    await session.execute(database.note(label))
    await session.execute(database.note(f"{label}+"))


REQUESTS: Mapping[str, Request] = {"read": read, "insert": insert, "transaction": transaction}

ROWS = {"read": 0, "insert": 1, "transaction": 2}
"""How many rows a request stores."""

STARTS = ("cold", "hot", "idle")
"""No connection is open; one was used just now; one was idle for so long that it is pinged first."""


@dataclass(frozen=True)
class Case:
    """One loop: a request with a trouble on its first message, then on its second, and so on to its last.

    Attributes:
        kind: the kind of database.
        start: the state of the pool, of `STARTS`.
        request: the name of the request, of `REQUESTS`.
        trouble: what happens.
        deadline: seconds that settings give to a connection, a statement, a COMMIT, a ROLLBACK and the end.
    """

    kind: str
    start: str
    request: str
    trouble: Trouble
    deadline: float = DEADLINE

    @property
    def phases(self) -> int:
        """How many deadlines can run out one after the other: a server that answers no ping is connected to anew."""
        return 2 if self.start == "idle" and self.trouble.details.get("everywhere") else 1

    def __str__(self) -> str:
        return f"{self.kind} / {self.start} / {self.request} / {self.trouble.name}"


def every_case(kind: str) -> list[Case]:
    """All the loops of one kind of database."""
    return [Case(kind, start, request, trouble) for start in STARTS for request in REQUESTS for trouble in TROUBLES]


def module(url: str, deadline: float = DEADLINE, **settings: Any) -> DataModule:
    """A module whose one profile reaches the server by this URL, with a small pool and short deadlines."""
    short: dict[str, Any] = {
        "tls": "disable",
        "pool_size": 2,
        "max_overflow": 0,
        "pool_timeout": 3 * deadline,
        "connect_timeout": deadline,
        "command_timeout": deadline,
        "close_timeout": deadline,
    }
    profile = DatabaseSettings(database_url=url, **{**short, **settings})
    return DataModule(settings=DataSettings(profiles={"main": profile}))
