"""What a request, task or job has written, its own reads find, also where replicas lag (contract C11.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import CommitOutcomeUnknown, DatabaseSettings, DataModule, DataSettings, ReplicaUnavailable
from myfy_data.asgi import request_session, run_request
from myfy_data.engines.cluster import own_writes
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.profiles import cluster_of
from tests.integration.test_cluster_postgresql import ports, role, running, settings_of, table, until

pytestmark = pytest.mark.postgresql

__all__ = ["table"]

INSERT = text("INSERT INTO t VALUES (1)")
COUNT = text("SELECT count(*) FROM t")
PREFER = {"from": "prefer-replica", "wait": 0}
"""No waiting for a replica: whatever was written is read from the primary, for as long as a replica may lack it."""
LAGGING = {"wait": 0.05, "max_lag": 3600.0}
_END = "BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END"
END_AT_COMMIT = (
    f"CREATE FUNCTION e() RETURNS trigger LANGUAGE plpgsql AS '{_END}'",
    "CREATE CONSTRAINT TRIGGER e AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION e()",
)


@pytest.fixture
def database(cluster: PostgresqlCluster) -> Any:
    with cluster.database() as name:
        yield name


def lagging(cluster: PostgresqlCluster) -> None:
    for node in cluster.replicas:
        node.pause_replay()


async def replicas_serve(data: DataModule, cluster: PostgresqlCluster) -> None:
    await until(lambda: all(role(data, node) == "replica" for node in cluster.replicas))


async def write(data: DataModule) -> None:
    async with data.session() as session:
        await session.execute(INSERT)


async def rows(data: DataModule, **options: Any) -> int:
    async with data.session(read_only=True, **options) as session:
        return int(await session.scalar(COUNT) or 0)


async def in_another_task(work: Callable[[], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await work()

    return await asyncio.create_task(run())


async def is_noted(data: DataModule, cluster: PostgresqlCluster) -> bool:
    return await ports(data, 1, read_only=True) == {cluster.n1.port: 1}


@pytest.mark.parametrize(("consistency", "seen"), [("session", 1), ("eventual", 0)])
async def test_a_row_is_read_by_whoever_wrote_it(
    cluster: PostgresqlCluster, table: str, consistency: str, seen: int
) -> None:
    """A replica that does not apply is still within `max_lag` here: what it lacks is new."""
    settings = settings_of(cluster.addresses, table, reads={**PREFER, **LAGGING, "consistency": consistency})
    async with running(settings) as data:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(lagging, cluster)
        assert await rows(data) == 0

        await write(data)

        assert await rows(data) == seen


async def test_reads_of_other_tasks_still_go_to_replicas(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)

        await in_another_task(lambda: write(data))

        assert not await is_noted(data, cluster)


async def test_what_the_writer_starts_reads_from_the_primary(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        await write(data)

        assert await in_another_task(lambda: is_noted(data, cluster))


async def test_after_the_window_replicas_serve_again(
    cluster: PostgresqlCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(own_writes, "monotonic", lambda: now)
    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        await write(data)

        end = now + own_writes.window(cluster_of(data).settings)
        now = end - 0.1
        assert await is_noted(data, cluster)
        now = end
        assert not await is_noted(data, cluster)


async def test_what_a_worker_commits_moves_no_reads_of_another(
    cluster: PostgresqlCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the one that started both has written, long ago, so that both began with its notes."""
    now = 100.0
    monkeypatch.setattr(own_writes, "monotonic", lambda: now)
    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        async with data.session() as session:
            await session.scalar(COUNT)
        now = 200.0

        await in_another_task(lambda: write(data))

        assert not await in_another_task(lambda: is_noted(data, cluster))
        assert not await is_noted(data, cluster)


@pytest.mark.parametrize(("max_lag", "heartbeat", "seconds"), [(5.0, 1.0, 10.0), (0.5, 2.0, 6.5)])
def test_the_window_is_longer_where_looks_are_rare(max_lag: float, heartbeat: float, seconds: float) -> None:
    """What is known of a replica is as old as the last look, and it may have been `max_lag` behind then."""
    settings = DatabaseSettings(
        database_url="postgresql://app@/shop",
        hosts=["a:1", "b:2"],
        reads={"max_lag": max_lag},  # type: ignore[arg-type]  # as a file has it
        cluster={"heartbeat": heartbeat},  # type: ignore[arg-type]  # as above
    )

    assert own_writes.window(settings) == seconds


@pytest.mark.parametrize(("from_", "options"), [("replica", {}), ("prefer-replica", {"read_from": "replica"})])
async def test_a_replica_alone_is_refused_and_both_fixes_work(
    cluster: PostgresqlCluster, table: str, from_: str, options: dict[str, Any]
) -> None:
    reads = {"from": from_, "wait": 0.05, "max_lag": 3600.0}
    async with running(settings_of(cluster.addresses, table, reads=reads)) as data:
        await replicas_serve(data, cluster)
        await asyncio.to_thread(lagging, cluster)
        await write(data)

        with pytest.raises(ReplicaUnavailable, match=r"no replica has what was written within reads.wait") as caught:
            await rows(data, **options)

        assert 'read_from="primary"' in str(caught.value)
        assert 'reads.consistency = "eventual"' in str(caught.value)
        assert await rows(data, read_from="primary") == 1
    async with running(settings_of(cluster.addresses, table, reads={**reads, "consistency": "eventual"})) as data:
        await replicas_serve(data, cluster)
        assert cluster.n1.port not in await ports(data, 1, read_only=True, **options)


async def commit(session: AsyncSession) -> None:
    await session.execute(INSERT)
    await session.commit()


async def begin(session: AsyncSession) -> None:
    async with session.begin():
        await session.execute(INSERT)


async def commit_inside(session: AsyncSession) -> None:
    def work(inner: Any) -> None:
        with inner.begin():
            inner.execute(INSERT)

    await session.run_sync(work)


async def commit_with_a_savepoint(session: AsyncSession) -> None:
    async with session.begin_nested():
        await session.execute(INSERT)
    await session.commit()


async def commit_in_a_task(session: AsyncSession) -> None:
    await asyncio.create_task(commit(session))


@pytest.mark.parametrize("door", [commit, begin, commit_inside, commit_with_a_savepoint, commit_in_a_task])
async def test_each_way_to_commit_is_noted(
    cluster: PostgresqlCluster, table: str, door: Callable[[AsyncSession], Awaitable[None]]
) -> None:
    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        async with data.get_session_factory()() as session:
            await door(session)

        assert await is_noted(data, cluster)


async def test_what_stores_nothing_is_not_noted(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        async with data.get_session_factory()() as session:
            async with session.begin_nested():
                await session.execute(INSERT)
            await session.rollback()
            async with session.begin():
                pass
        await rows(data)

        assert not await is_noted(data, cluster)


async def test_an_outcome_that_is_not_known_counts_as_written(cluster: PostgresqlCluster, table: str) -> None:
    """The server ends its own process at COMMIT, by a trigger that waits for the end of the transaction."""
    for statement in END_AT_COMMIT:
        await asyncio.to_thread(cluster.n1.execute, statement, database=table)
    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        with pytest.raises(CommitOutcomeUnknown):
            await write(data)

        assert await is_noted(data, cluster)


async def asked(data: DataModule, handler: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """A request, served by the task that asks, as test clients do."""

    async def app(scope: dict[str, Any], _: Any, send: Any) -> None:
        await handler(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        scope["noted_after_response"] = await ports(data, 1, read_only=True)

    async def nothing(*_: Any) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": "/"}
    await run_request(data, app, scope, nothing, nothing)
    handler.noted = scope["noted_after_response"]  # type: ignore[attr-defined]  # for the test to look at


async def test_a_request_reads_what_its_own_tasks_wrote_and_the_next_one_does_not(
    cluster: PostgresqlCluster, table: str
) -> None:
    found: list[bool] = []

    async def writes_in_a_task(_: dict[str, Any]) -> None:
        await in_another_task(lambda: write(data))
        found.append(await is_noted(data, cluster))

    async def reads(_: dict[str, Any]) -> None:
        found.append(await is_noted(data, cluster))

    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        await asked(data, writes_in_a_task)
        await asked(data, reads)

    assert found == [True, False]


async def test_the_end_of_a_request_is_noted_for_its_background_work(cluster: PostgresqlCluster, table: str) -> None:
    async def handler(scope: dict[str, Any]) -> None:
        await request_session(scope).execute(INSERT)

    async with running(settings_of(cluster.addresses, table, reads=PREFER)) as data:
        await replicas_serve(data, cluster)
        await asked(data, handler)

    assert handler.noted == {cluster.n1.port: 1}  # type: ignore[attr-defined]  # as above


async def test_one_server_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_writes, "NOTES", None)
    monkeypatch.setattr(own_writes.Requests, "are_apart", False)  # as in a process of its own
    settings = DataSettings(profiles={"main": DatabaseSettings(database_url="sqlite://")})
    async with DataModule(settings=settings) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE t (i int)"))
            await session.execute(INSERT)
        assert await rows(data) == 1
