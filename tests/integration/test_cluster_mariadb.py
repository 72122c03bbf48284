"""One profile, a MariaDB primary and its GTID replica: who writes, who reads (contract C11.2, C11.3; ADR 46)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from myfy_data import ClusterError, DatabaseSettings, DataModule, ReadOnlySessionError, retrying
from myfy_data.engines.cluster import server as cluster_server
from myfy_data.engines.cluster.cluster import OpenCluster
from myfy_data.engines.connect.connect_gate import ConnectGate
from myfy_data.engines.mysql.backend import MySQL
from tests.asyncio_servers import PATIENCE
from tests.clusters.mariadb import MariaCluster, MariaNode
from tests.clusters.profiles import Writers, host, role, running, settings_of, until
from tests.sandbox import Sandbox

pytestmark = pytest.mark.mysql

REFUSED = 1290


@pytest.fixture
def table(maria: MariaCluster) -> Iterator[str]:
    """A database with a table, on both servers."""
    with maria.database() as name:
        maria.m1.execute("CREATE TABLE t (i int PRIMARY KEY)", database=name)
        maria.m2.await_position(maria.m1)
        yield name


def profile(maria: MariaCluster, database: str, user: str = "app", **more: Any) -> DatabaseSettings:
    return settings_of(f"mysql://{user}@/{database}", maria.addresses, **more)


def stored(node: MariaNode, database: str) -> set[int]:
    return {row[0] for row in node.fetch("SELECT i FROM t", database)}


async def ports(data: DataModule, times: int = 6, **options: Any) -> Counter[int]:
    """The servers that so many sessions came to."""
    found: Counter[int] = Counter()
    for _ in range(times):
        async with data.session(**options) as session:
            found[await session.scalar(text("SELECT @@port"))] += 1
    return found


async def write(data: DataModule, number: int) -> int:
    """The server that took it."""
    async with data.session() as session:
        await session.execute(text("INSERT INTO t VALUES (:i)"), {"i": number})
        return int(await session.scalar(text("SELECT @@port")) or 0)


@pytest.mark.parametrize("way", ["kill", "freeze"])
async def test_writers_go_on_with_the_new_primary(maria: MariaCluster, table: str, way: str) -> None:
    """Nothing that was acknowledged is lost, for a COMMIT waits for the replica; no connection is held after it."""
    await asyncio.to_thread(maria.replicate_synchronously)
    async with running(profile(maria, table)) as data:
        writers = Writers(data)
        async with writers.at_work():
            await asyncio.to_thread(getattr(maria.m1, way))
            await asyncio.to_thread(maria.m2.promote)
            await until(lambda: data.cluster().primary == maria.m2.address)

        assert data.pool_status().checked_out == 0
        assert writers.acknowledged <= await asyncio.to_thread(stored, maria.m2, table)
        assert writers.refused == []


async def test_a_planned_switch_refuses_what_comes_late_and_loses_nothing(maria: MariaCluster, table: str) -> None:
    async with running(profile(maria, table)) as data:
        writers = Writers(data)
        async with writers.at_work():
            await asyncio.to_thread(maria.m1.demote)
            await asyncio.to_thread(maria.m2.await_position, maria.m1)
            await asyncio.to_thread(maria.m2.promote)
            await asyncio.to_thread(maria.m1.follow, maria.m2, "current_pos")
            await until(lambda: data.cluster().primary == maria.m2.address and role(data, maria.m1) == "replica")

        assert data.pool_status().checked_out == 0
        assert writers.acknowledged <= await asyncio.to_thread(stored, maria.m2, table)
        assert {error.orig.args[0] for error in writers.refused if error.orig is not None} <= {REFUSED}


SELDOM = {"heartbeat": 600.0, "failover_timeout": PATIENCE}
"""What is seen in a test is seen because of an error."""


class HeldLooks:
    """Looks that begin later are not answered before something waits for them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._may_answer = asyncio.Event()
        look, change = cluster_server.Server.look, OpenCluster.wait_for_change

        async def held(server: cluster_server.Server) -> Any:
            await self._may_answer.wait()
            return await look(server)

        async def awaited(*arguments: Any) -> None:
            self._may_answer.set()
            await change(*arguments)

        monkeypatch.setattr(cluster_server.Server, "look", held)
        monkeypatch.setattr(OpenCluster, "wait_for_change", awaited)


async def switch(data: DataModule, maria: MariaCluster) -> None:
    """The profile has not noticed at the end."""
    await until(lambda: data.cluster().primary == maria.m1.address)
    await asyncio.to_thread(maria.m1.demote)
    await asyncio.to_thread(maria.m2.await_position, maria.m1)
    await asyncio.to_thread(maria.m2.promote)


async def test_the_first_refused_write_finds_the_new_primary(
    maria: MariaCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as it was refused and not sent again; the next session waits for the look that it began."""
    async with running(profile(maria, table, cluster=SELDOM)) as data:
        await switch(data, maria)
        HeldLooks(monkeypatch)
        with pytest.raises(DBAPIError) as caught:
            await write(data, 1)
        assert await write(data, 2) == maria.m2.port

        assert caught.value.orig is not None
        assert (caught.value.orig.args[0], caught.value.connection_invalidated) == (REFUSED, False)
        assert data.cluster().primary == maria.m2.address
    assert [await asyncio.to_thread(stored, node, table) for node in maria.nodes] == [set(), {2}]


async def test_a_unit_of_work_that_was_refused_is_run_again_on_the_new_primary(
    maria: MariaCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = []
    async with running(profile(maria, table, cluster=SELDOM)) as data:
        await switch(data, maria)
        HeldLooks(monkeypatch)
        async for attempt in retrying(data):
            async with attempt as session:
                servers.append(await session.scalar(text("SELECT @@port")))
                await session.execute(text("INSERT INTO t VALUES (1)"))

    assert servers == [maria.m1.port, maria.m2.port]
    assert [await asyncio.to_thread(stored, node, table) for node in maria.nodes] == [set(), {1}]


@pytest.mark.parametrize("user", ["app", "root"])
async def test_a_demoted_primary_stores_no_write_of_an_open_session(maria: MariaCluster, table: str, user: str) -> None:
    """It refuses those of `app`; root's it would take, so that its connections are cut off."""
    async with running(profile(maria, table, user)) as data:
        with pytest.raises(DBAPIError) as caught:
            async with data.session() as session:
                await session.execute(text("SELECT 1"))
                await asyncio.to_thread(maria.m1.demote)
                await until(lambda: data.cluster().primary is None)
                await session.execute(text("INSERT INTO t VALUES (1)"))

        assert caught.value.connection_invalidated is (user == "root")
        assert data.pool_status().checked_out == 0
    assert await asyncio.to_thread(stored, maria.m1, table) == set()


async def test_an_old_primary_that_comes_back_is_not_used(maria: MariaCluster, table: str) -> None:
    async with running(profile(maria, table, reads={"from": "prefer-replica"})) as data:
        await asyncio.to_thread(maria.m1.freeze)
        await asyncio.to_thread(maria.m2.promote)
        await until(lambda: data.cluster().primary == maria.m2.address)
        await asyncio.to_thread(maria.m1.resume)
        await until(lambda: role(data, maria.m1) == "stale")

        assert await ports(data) + await ports(data, read_only=True) == {maria.m2.port: 12}


async def test_two_servers_that_take_writes_are_none(maria: MariaCluster, table: str) -> None:
    """Nothing tells which of them is right: a GTID does not count promotions."""
    await asyncio.to_thread(maria.m2.promote)

    looks = {"heartbeat": 5.0, "failover_timeout": 5.0}
    with pytest.raises(ClusterError, match=r"no primary within 5 s(\n.*takes writes, as another server does){2}"):
        async with running(profile(maria, table, cluster=looks)):
            pass


async def test_a_replica_that_takes_writes_is_one_all_the_same(maria: MariaCluster, table: str) -> None:
    """MariaDB's replicas are not `read_only` unless they are told so; one that broke off is not promoted by that."""
    await asyncio.to_thread(maria.m2.configure, read_only="OFF")
    async with running(profile(maria, table)) as data:
        await asyncio.to_thread(maria.m1.kill)
        await until(lambda: data.cluster().primary is None)

        assert role(data, maria.m2) == "stale"


async def test_a_replica_that_cannot_apply_a_row_is_not_promoted_by_that(maria: MariaCluster, table: str) -> None:
    await asyncio.to_thread(maria.m2.configure, read_only="OFF", gtid_strict_mode="OFF")
    await asyncio.to_thread(maria.m2.execute, "INSERT INTO t VALUES (1)", database=table)
    await asyncio.to_thread(maria.m1.execute, "INSERT INTO t VALUES (1)", database=table)
    async with running(profile(maria, table, reads={"from": "prefer-replica"})) as data:
        await until(lambda: "Duplicate entry" in (host(data, maria.m2).error or ""))

        assert (data.cluster().primary, role(data, maria.m2)) == (maria.m1.address, "replica")
        assert await ports(data, read_only=True) == {maria.m1.port: 6}


async def test_readers_use_the_replica(maria: MariaCluster, table: str) -> None:
    async with running(profile(maria, table, reads={"from": "prefer-replica"})) as data:
        await until(lambda: host(data, maria.m2).lag == 0.0)

        assert await ports(data, read_only=True) == {maria.m2.port: 6}
        assert await ports(data) + await ports(data, read_only=True, read_from="primary") == {maria.m1.port: 12}


async def test_a_replica_that_is_behind_serves_nobody_until_it_has_caught_up(maria: MariaCluster, table: str) -> None:
    settings = profile(maria, table, reads={"from": "prefer-replica", "max_lag": 1.0})
    with pymysql.connect(host="127.0.0.1", port=maria.m2.port, user="root", database=table) as lock:
        async with running(settings) as data:
            lock.cursor().execute("LOCK TABLES t READ")
            await asyncio.to_thread(maria.m1.execute, "INSERT INTO t VALUES (1)", database=table)
            await until(lambda: (host(data, maria.m2).lag or 0.0) > 1.0)
            assert await ports(data, read_only=True) == {maria.m1.port: 6}

            lock.cursor().execute("UNLOCK TABLES")
            await until(lambda: host(data, maria.m2).lag == 0.0)
            assert await ports(data, read_only=True) == {maria.m2.port: 6}


@pytest.mark.parametrize(
    ("thread", "found"), [("SQL_THREAD", ("replica", None)), ("IO_THREAD", ("stale", None))], ids=["apply", "receive"]
)
async def test_a_replica_that_stopped_serves_nobody(
    maria: MariaCluster, table: str, thread: str, found: tuple[str, float | None]
) -> None:
    """No answer counts as lag 0: `Seconds_Behind_Master` is NULL."""
    async with running(profile(maria, table, reads={"from": "prefer-replica"})) as data:
        await until(lambda: host(data, maria.m2).lag == 0.0)
        maria.m2.is_touched = True
        await asyncio.to_thread(maria.m2.execute, f"STOP SLAVE {thread}")
        await until(lambda: (role(data, maria.m2), host(data, maria.m2).lag) == found)

        assert await ports(data, read_only=True) == {maria.m1.port: 6}


async def test_a_replica_of_a_server_that_is_not_listed_is_stale(
    maria: MariaCluster, table: str, mysql_url: str
) -> None:
    other = mysql_url.rpartition("@")[2].partition("/")[0]
    settings = settings_of("mysql://root@/mysql", [other, maria.m2.address], reads={"from": "prefer-replica"})
    async with running(settings) as data:
        await until(lambda: role(data, maria.m2) == "stale")

        assert set(await ports(data, read_only=True)) == {int(other.rpartition(":")[2])}


async def test_an_account_that_may_not_see_the_lag_is_told_the_grant(
    maria: MariaCluster, table: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_server, "BLIND_LOOKS", 1)
    async with running(profile(maria, table, "blind", reads={"from": "prefer-replica"})) as data:
        await until(lambda: role(data, maria.m2) == "replica")
        assert await ports(data, read_only=True) == {maria.m1.port: 6}

        said = [record.getMessage() for record in caplog.records if "GRANT" in record.getMessage()]
        assert len(said) == 1
        maria.m1.is_touched = True
        await asyncio.to_thread(maria.m1.execute, said[0].partition("fix: ")[2])
        await until(lambda: host(data, maria.m2).lag == 0.0)
        assert await ports(data, read_only=True) == {maria.m2.port: 6}


async def test_a_replica_refuses_a_write_with_a_fix_and_is_kept(maria: MariaCluster, table: str) -> None:
    """By the session's own transaction: root may write to a `read_only` server."""
    async with running(profile(maria, table, "root", reads={"from": "replica"})) as data:
        await until(lambda: host(data, maria.m2).lag == 0.0)
        with pytest.raises(ReadOnlySessionError, match="write in a session that is not"):
            async with data.session(read_only=True) as session:
                await session.execute(text("INSERT INTO t VALUES (1)"))

        assert await ports(data, read_only=True) == {maria.m2.port: 6}
    assert await asyncio.to_thread(stored, maria.m2, table) == set()


async def test_tables_are_found_when_a_replica_stands_first(maria: MariaCluster, table: str) -> None:
    """It was never connected to, and what a server says of itself at its first connection, the engine has to know."""
    settings = settings_of(f"mysql://app@/{table}", maria.addresses[::-1])
    async with running(settings) as data, data.session() as session:
        found = await session.run_sync(lambda inner: inspect(inner.connection()).get_table_names())

    assert found == ["t"]


def test_the_client_is_handed_the_primary(maria: MariaCluster, table: str, project: Sandbox) -> None:
    hosts = ", ".join(f'"{address}"' for address in reversed(maria.addresses))
    project.write("myfy.toml", f'[data.profiles.main]\ndatabase_url = "mysql://root@/{table}"\nhosts = [{hosts}]\n')

    done = project.run("sql", stdin="SELECT @@port;\n")

    assert done.returncode == 0, done.stderr
    assert str(maria.m1.port) in done.stdout


class Openings:
    """How many connections each pool opens at the same time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = 0
        self._now: Counter[MySQL] = Counter()
        open_one = MySQL.open

        async def counted(backend: MySQL, *arguments: Any) -> Any:
            self._now[backend] += 1
            self.most = max(self.most, self._now[backend])
            try:
                return await open_one(backend, *arguments)
            finally:
                self._now[backend] -= 1

        monkeypatch.setattr(MySQL, "open", counted)


async def test_many_waiting_checkouts_are_all_served_after_a_switch(
    maria: MariaCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new primary is not stormed: each pool opens four connections at a time, of the twenty that are wanted.

    And the first of them wait by chance: every process hears of the switch in the same moment.
    """
    openings = Openings(monkeypatch)
    pauses: list[float] = []
    pause = ConnectGate.pause
    monkeypatch.setattr(ConnectGate, "pause", lambda gate, most: pauses.append(pause(gate, most)) or pauses[-1])
    async with running(profile(maria, table, pool_size=20, max_overflow=0)) as data:
        assert pauses == []  # at the start there is no crowd
        await asyncio.to_thread(maria.m1.freeze)
        waiting = [asyncio.create_task(ports(data, 1)) for _ in range(200)]
        await until(lambda: data.cluster().primary is None)
        await asyncio.to_thread(maria.m2.promote)
        answers = await asyncio.gather(*waiting, return_exceptions=True)

        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        assert all(isinstance(error, DBAPIError) and error.connection_invalidated for error in failed), failed
        assert all(set(answer) == {maria.m2.port} for answer in answers if not isinstance(answer, BaseException))
        assert openings.most == cluster_server.CONNECTS_AT_ONCE
        assert len(set(pauses)) >= cluster_server.CONNECTS_AT_ONCE
        assert data.pool_status().checked_out == 0
