"""A token says what was written, and a replica that has it serves the read (contract C11.4; ADR 47)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import DatabaseSettings, DataModule, ReplicaUnavailable
from myfy_data.engines.cluster.token import Token
from myfy_data.engines.connect.position import Position
from tests.asyncio_servers import PATIENCE
from tests.clusters.postgresql import PostgresqlCluster
from tests.integration.test_cluster_own_writes import (
    COUNT,
    INSERT,
    database,
    in_another_task,
    lagging,
    replicas_serve,
    rows,
    write,
)
from tests.integration.test_cluster_postgresql import PORT, ports, role, running, settings_of, table, until

pytestmark = pytest.mark.postgresql

__all__ = ["database", "table"]

FAR = {"from": "prefer-replica", "max_lag": 3600.0, "wait": PATIENCE}
"""A replica that does not apply stays within `max_lag`, and is waited for until it does."""
NEAR = {**FAR, "wait": 0.05}
TIMES = 400


def token_of(session: AsyncSession) -> str:
    """What applications write as `session.token`."""
    token: str = session.token  # type: ignore[attr-defined]  # typed as SQLAlchemy's
    return token


async def written(data: DataModule) -> str:
    """The token of a job that wrote a row, in a task of its own: the reads of the test know nothing of it."""

    async def job() -> str:
        async with data.session() as session:
            await session.execute(INSERT)
        return token_of(session)

    token: str = await in_another_task(job)
    return token


async def delayed(cluster: PostgresqlCluster, delay: str) -> None:
    """Replicas apply each commit late, as they do far away."""
    for node in cluster.replicas:
        await asyncio.to_thread(node.configure, recovery_min_apply_delay=delay)
        await asyncio.to_thread(node.await_answer, "SHOW recovery_min_apply_delay", delay)


async def stale_reads(data: DataModule, *, with_token: bool) -> tuple[int, set[int]]:
    """How many of so many reads missed the row that was written right before, and the servers that they came to."""
    stale, found = 0, set()
    for number in range(TIMES):
        token = await in_another_task(lambda number=number: insert(data, number))  # type: ignore[misc]  # a default
        async with data.session(read_only=True, after=token if with_token else None) as session:
            found.add(await session.scalar(text(PORT)))
            seen = await session.scalar(text(f"SELECT count(*) FROM t WHERE i = {number}"))
        stale += seen == 0
    return stale, found


async def insert(data: DataModule, number: int) -> str:
    async with data.session() as session:
        await session.execute(text("INSERT INTO t VALUES (:i)"), {"i": number})
    return token_of(session)


@pytest.mark.parametrize("with_token", [True, False], ids=["with a token", "control: without"])
async def test_no_read_after_a_token_misses_the_row(cluster: PostgresqlCluster, table: str, with_token: bool) -> None:
    await delayed(cluster, "5ms" if with_token else "1h")  # longer than any machine takes to read
    async with running(settings_of(cluster.addresses, table, reads={**FAR, "wait": 5.0})) as data:
        await replicas_serve(data, cluster)

        stale, servers = await stale_reads(data, with_token=with_token)

        assert (stale == 0) is with_token
        assert servers & {node.port for node in cluster.replicas}


async def test_where_no_replica_gets_there_in_time_the_primary_serves(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=NEAR)) as data:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(lagging, cluster)
        token = await written(data)

        assert await rows(data, after=token) == 1
        assert await ports(data, 3, read_only=True, after=token) == {cluster.n1.port: 3}
        assert await rows(data) == 0  # who knows nothing of the row


async def test_a_replica_that_has_it_serves_though_another_one_has_not(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=FAR)) as data:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(cluster.n2.pause_replay)
        token = await written(data)

        assert await ports(data, 8, read_only=True, after=token) == {cluster.n3.port: 8}
        assert len(await ports(data, 24, read_only=True)) == 2


async def test_a_read_waits_for_a_replica(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=FAR)) as data:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(lagging, cluster)
        token = await written(data)
        read = asyncio.create_task(ports(data, 1, read_only=True, after=token))
        await asyncio.to_thread(cluster.n3.resume_replay)

        assert await read == {cluster.n3.port: 1}
        assert data.pool_status().checked_out == 0


async def test_a_request_or_task_reads_its_own_writes_from_a_replica(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=FAR)) as data:
        await replicas_serve(data, cluster)
        await write(data)

        assert await rows(data) == 1
        assert cluster.n1.port not in await ports(data, 3, read_only=True)


@pytest.mark.parametrize("is_behind", [True, False])
async def test_a_session_that_has_read_finds_what_was_written_since(
    cluster: PostgresqlCluster, table: str, is_behind: bool
) -> None:
    """Its replica serves on, as for its further transactions (contract C11.2), where it has the row."""
    async with running(settings_of(cluster.addresses, table, reads=NEAR if is_behind else FAR)) as data:
        await replicas_serve(data, cluster)
        async with data.session(read_only=True) as session:
            before = await session.scalar(text(PORT))
            await session.commit()
            if is_behind:
                await asyncio.to_thread(lagging, cluster)
            await write(data)
            if not is_behind:
                await asyncio.to_thread(cluster.await_replicas)

            assert await session.scalar(COUNT) == 1
            assert (await session.scalar(text(PORT)) == before) is not is_behind


@pytest.mark.parametrize(("from_", "options"), [("replica", {}), ("primary", {"read_from": "replica"})])
async def test_a_replica_alone_is_waited_for_and_then_refused(
    cluster: PostgresqlCluster, table: str, from_: str, options: dict[str, Any]
) -> None:
    """Where reads go to the primary, it was not asked how far it was: it is asked when the token is used."""
    async with running(settings_of(cluster.addresses, table, reads={**NEAR, "from": from_})) as data:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(lagging, cluster)
        token = await written(data)

        with pytest.raises(ReplicaUnavailable, match=r"no replica has what was written within reads\.wait 0\.05 s"):
            await rows(data, after=token, **options)
    async with running(settings_of(cluster.addresses, table, reads={**FAR, "from": from_})) as data:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(cluster.n2.resume_replay)
        assert await ports(data, 2, read_only=True, after=token, **options) == {cluster.n2.port: 2}


BAD = {
    "no text of ours": lambda token: "garbage",
    "empty": lambda token: "",
    "cut off": lambda token: token[:-4],
    "one letter changed": lambda token: token[:12] + ("A" if token[12] != "A" else "B") + token[13:],
    "another cluster's": lambda token: Token(Position("0/1", "7000000000000000000", "1")).text,
}


@pytest.mark.parametrize("bad", BAD)
async def test_what_is_no_token_means_the_primary(cluster: PostgresqlCluster, table: str, bad: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=FAR)) as data:
        await replicas_serve(data, cluster)
        good = await written(data)
        token = BAD[bad](good)

        assert await ports(data, 3, read_only=True, after=token) == {cluster.n1.port: 3}
        with pytest.raises(ReplicaUnavailable, match="`after` is no token of this profile's servers"):
            await rows(data, read_from="replica", after=token)
        assert cluster.n1.port not in await ports(data, 3, read_only=True, after=good)


async def test_a_token_of_an_old_timeline_leads_to_the_primary(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=FAR)) as data:
        await replicas_serve(data, cluster)
        old = await written(data)
        await asyncio.to_thread(cluster.await_replicas)
        assert cluster.n1.port not in await ports(data, 3, read_only=True, after=old)
        await asyncio.to_thread(cluster.n1.kill)
        await asyncio.to_thread(cluster.n2.promote)
        await asyncio.to_thread(cluster.n3.follow, cluster.n2)
        await until(lambda: (role(data, cluster.n2), role(data, cluster.n3)) == ("primary", "replica"))

        assert await ports(data, 3, read_only=True, after=old) == {cluster.n2.port: 3}
        new = await in_another_task(lambda: insert(data, 2))
        assert await ports(data, 3, read_only=True, after=new) == {cluster.n3.port: 3}
        assert await rows(data, read_from="replica", after=old) == 2  # what the present primary has, a replica can have


async def test_when_there_is_a_token(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=FAR)) as data:
        async with data.session() as session:
            await session.execute(INSERT)
            assert token_of(session) is None
        token = Token.parse(token_of(session))
        assert token is not None
        assert token.position is not None
        async with data.session(read_only=True) as session:
            await session.scalar(COUNT)
        assert token_of(session) is None
        with pytest.raises(ZeroDivisionError):
            async with data.session() as session:
                await session.scalar(COUNT)
                raise ZeroDivisionError
        assert token_of(session) is None


async def test_one_server_has_tokens_as_well() -> None:
    """So that code which carries them runs on every machine."""
    async with DataModule(settings=DatabaseSettings(database_url="sqlite://")) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE t (i int)"))

        assert await rows(data, after=token_of(session)) == 0
