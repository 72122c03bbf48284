"""Rotation while twenty tasks write: no request fails, and healthy connections stay (issue 13, contract C12.4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sqlalchemy import text

from myfy_data import DataModule, DataSettings
from tests.accounts import Account
from tests.asyncio_servers import PATIENCE
from tests.integration.test_credentials import ID, KINDS, settings_of
from tests.token_service import token_service

WRITERS = 20
ROUNDS = 30


@dataclass
class Load:
    """Tasks that write one row each time, over a pool that keeps few connections and opens the others anew.

    Attributes:
        done: for each task, the writes that have ended.
        failed: what those that were not stored ended with.
    """

    data: DataModule
    table: str
    done: list[int] = field(default_factory=lambda: [0] * WRITERS)
    failed: list[BaseException] = field(default_factory=list)
    ended: bool = False
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def write(self, at: int) -> None:
        while not self.ended:
            try:
                async with self.data.session("main") as session:
                    await session.execute(text(f"INSERT INTO {self.table} VALUES (1)"))
            except Exception as error:  # noqa: BLE001 - whatever a writer would see
                self.failed.append(error)
            async with self._progress:
                self.done[at] += 1
                self._progress.notify_all()

    async def go_on(self) -> None:
        """Wait until each task has ended what it had begun, and a whole write after it."""
        before = list(self.done)
        async with self._progress:
            await self._progress.wait_for(
                lambda: all(now >= then + 2 for now, then in zip(self.done, before, strict=True))
            )


async def ids(data: DataModule, kind: str) -> set[int]:
    """The backend ids of all connections of the quiet pool."""
    async with data.session("steady") as one, data.session("steady") as two:
        return {(await session.execute(text(ID[kind]))).scalar_one() for session in (one, two)}


@KINDS
async def test_rotation_under_load(account: Account) -> None:
    kind = "mysql" if account.url.startswith("mysql") else "postgresql"
    table = f"rotated_{account.user}" if kind == "postgresql" else f"{account.url.rpartition('/')[2]}.rotated"
    account.server.execute(f"CREATE TABLE {table} (a int)", f"GRANT ALL ON {table} TO {account.user}")
    async with token_service(account) as service, asyncio.timeout(PATIENCE * 10):
        churning = {"pool_size": 4, "max_overflow": WRITERS, "connect_timeout": PATIENCE}
        settings = DataSettings(
            default="main",
            profiles={
                "main": settings_of(service, **churning),
                "steady": settings_of(service, pool_size=2, max_overflow=0, connect_timeout=PATIENCE),
            },
        )
        async with DataModule(settings=settings) as data:
            before = await ids(data, kind)
            asked = len(service.asked)
            load = Load(data, table)
            async with asyncio.TaskGroup() as group:
                for at in range(WRITERS):
                    group.create_task(load.write(at))
                for turn in range(ROUNDS):
                    await service.rotate()
                    await load.go_on()
                    while len(service.asked) <= asked + turn:  # until one of them needed a connection
                        await load.go_on()
                load.ended = True
            after = await ids(data, kind)
            async with data.session("main") as session:
                stored = (await session.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one()
    account.server.execute(f"DROP TABLE {table}")

    assert load.failed == []
    assert stored == sum(load.done)
    assert after == before
    assert service.asked[asked:] == ["refused"] * ROUNDS
