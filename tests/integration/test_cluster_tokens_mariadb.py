"""Tokens on MariaDB: GTIDs, which a replica must have applied (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from myfy_data import DataModule, ReplicaUnavailable
from myfy_data.engines.cluster.token import Token
from tests.asyncio_servers import PATIENCE
from tests.clusters.mariadb import MariaCluster
from tests.clusters.profiles import role, running, until
from tests.integration.test_cluster_mariadb import ports, profile, table
from tests.integration.test_cluster_own_writes import COUNT, in_another_task, rows
from tests.integration.test_cluster_tokens import TIMES, insert, token_of

pytestmark = pytest.mark.mysql

__all__ = ["table"]

FAR = {"from": "prefer-replica", "max_lag": 3600.0, "wait": PATIENCE}
NEAR = {**FAR, "wait": 0.05}


async def replica_serves(data: DataModule, maria: MariaCluster) -> None:
    await until(lambda: role(data, maria.m2) == "replica")


@pytest.mark.parametrize("with_token", [True, False], ids=["with a token", "control: without"])
async def test_no_read_after_a_token_misses_the_row(maria: MariaCluster, table: str, with_token: bool) -> None:
    if not with_token:  # applied later than any machine takes to read
        await asyncio.to_thread(maria.m2.execute, "STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY = 3000", "START SLAVE")
        maria.m2.is_touched = True
    async with running(profile(maria, table, reads={**FAR, "wait": 5.0})) as data:
        await replica_serves(data, maria)
        stale, found = 0, set()
        for number in range(TIMES):
            token = await in_another_task(lambda number=number: insert(data, number))  # type: ignore[misc]  # a default
            async with data.session(read_only=True, after=token if with_token else None) as session:
                row = await session.execute(text(f"SELECT @@port, count(*) FROM t WHERE i = {number}"))
                port, seen = row.one()
            found.add(port)
            stale += seen == 0

        assert (stale == 0) is with_token
        assert maria.m2.port in found


async def test_where_the_replica_does_not_get_there_the_primary_serves(maria: MariaCluster, table: str) -> None:
    async with running(profile(maria, table, reads=NEAR)) as data:
        await replica_serves(data, maria)
        await asyncio.to_thread(maria.m2.pause_replay)
        await until(lambda: role(data, maria.m2) != "down")
        token = await in_another_task(lambda: insert(data, 1))

        assert Token.parse(token) not in (None, Token())
        assert await rows(data, after=token) == 1
        with pytest.raises(ReplicaUnavailable):
            await rows(data, after=token, read_from="replica")
        await asyncio.to_thread(maria.m2.resume_replay)
    async with running(profile(maria, table, reads=FAR)) as data:
        await replica_serves(data, maria)
        assert await ports(data, 2, read_only=True, after=token) == {maria.m2.port: 2}


async def test_a_token_of_a_former_primary_leads_to_the_present_one(maria: MariaCluster, table: str) -> None:
    async with running(profile(maria, table, reads=FAR)) as data:
        await replica_serves(data, maria)
        old = await in_another_task(lambda: insert(data, 1))
        assert await ports(data, 2, read_only=True, after=old) == {maria.m2.port: 2}
        await asyncio.to_thread(maria.m1.demote)
        await asyncio.to_thread(maria.m2.await_position, maria.m1)
        await asyncio.to_thread(maria.m2.promote)
        await until(lambda: data.cluster().primary == maria.m2.address)  # before, the former one refuses the row
        new = await in_another_task(lambda: insert(data, 2))
        await asyncio.to_thread(maria.m1.follow, maria.m2, "current_pos")
        await until(lambda: data.cluster().primary == maria.m2.address and role(data, maria.m1) == "replica")

        assert await ports(data, 2, read_only=True, after=old) == {maria.m2.port: 2}
        assert await ports(data, 2, read_only=True, after=new) == {maria.m1.port: 2}


async def test_a_session_that_only_read_has_no_token(maria: MariaCluster, table: str) -> None:
    async with running(profile(maria, table, reads=FAR)) as data:
        async with data.session() as session:
            await session.scalar(COUNT)

        assert token_of(session) is None
