"""One profile, three PostgreSQL servers: who writes, who reads, and what becomes of both (contract C11.2, C11.3)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data import (
    ClusterError,
    DatabaseSettings,
    DataModule,
    DataModuleNotConfiguredError,
    ReadOnlySessionError,
    ReplicaUnavailable,
)
from myfy_data.engines.cluster.server import Server
from tests.asyncio_servers import PATIENCE
from tests.clusters import profiles
from tests.clusters.node import Node
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.profiles import Writers, role, running, set_failover_timeout, until

pytestmark = pytest.mark.postgresql

PORT = "SELECT inet_server_port()"


def settings_of(addresses: list[str], database: str, **more: Any) -> DatabaseSettings:
    return profiles.settings_of(f"postgresql://postgres@/{database}", addresses, **more)


async def ports(data: DataModule, times: int = 6, **options: Any) -> Counter[int]:
    """The servers that so many sessions came to."""
    found: Counter[int] = Counter()
    for _ in range(times):
        async with data.session(**options) as session:
            found[await session.scalar(text(PORT))] += 1
    return found


@pytest.fixture
def database(cluster: PostgresqlCluster) -> Any:
    with cluster.database() as name:
        yield name


@pytest.fixture
def table(cluster: PostgresqlCluster, database: str) -> str:
    cluster.n1.execute("CREATE TABLE t (i int PRIMARY KEY)", database=database)
    cluster.await_replicas()
    return database


def stored(node: Node, database: str) -> set[int]:
    return {row[0] for row in node.fetch("SELECT i FROM t", database=database)}


@pytest.mark.parametrize("way", ["kill", "freeze"])
async def test_writers_go_on_with_the_new_primary(cluster: PostgresqlCluster, table: str, way: str) -> None:
    """Nothing that was acknowledged is lost, for the standby is synchronous; no connection is held afterwards."""
    await asyncio.to_thread(cluster.replicate_synchronously, "n2")
    async with running(settings_of(cluster.addresses, table)) as data:
        writers = Writers(data)
        async with writers.at_work():
            await asyncio.to_thread(getattr(cluster.n1, way))
            await asyncio.to_thread(cluster.n2.configure, synchronous_standby_names="")
            await asyncio.to_thread(cluster.n2.promote)
            await until(lambda: data.cluster().primary == cluster.n2.address)

        assert data.pool_status().checked_out == 0
        assert writers.acknowledged <= await asyncio.to_thread(stored, cluster.n2, table)
    assert writers.refused == []


async def test_an_old_primary_that_comes_back_is_not_used(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table)) as data:
        await asyncio.to_thread(cluster.n1.freeze)
        await asyncio.to_thread(cluster.n2.promote)
        await until(lambda: data.cluster().primary == cluster.n2.address)
        await asyncio.to_thread(cluster.n1.resume)
        await until(lambda: role(data, cluster.n1) == "stale")

        assert await ports(data) == {cluster.n2.port: 6}
        assert await ports(data, read_only=True, read_from="primary") == {cluster.n2.port: 6}


async def test_a_standby_that_follows_nobody_gets_no_session(cluster: PostgresqlCluster, database: str) -> None:
    settings = settings_of(cluster.addresses, database, reads={"from": "prefer-replica"})
    async with running(settings) as data:
        await asyncio.to_thread(cluster.n1.kill)
        await asyncio.to_thread(cluster.n2.promote)
        await until(lambda: data.cluster().primary == cluster.n2.address and role(data, cluster.n3) == "stale")

        assert await ports(data, read_only=True) == {cluster.n2.port: 6}


async def test_adding_servers_changes_no_routing(cluster: PostgresqlCluster, database: str) -> None:
    async with running(settings_of(cluster.addresses, database)) as data:
        found = await ports(data) + await ports(data, read_only=True)

    assert found == {cluster.n1.port: 12}


async def test_readers_use_all_replicas_and_not_the_primary(cluster: PostgresqlCluster, database: str) -> None:
    settings = settings_of(cluster.addresses, database, reads={"from": "prefer-replica"})
    async with running(settings) as data:
        await until(lambda: [role(data, node) for node in cluster.replicas] == ["replica", "replica"])
        async with data.session(read_only=True) as one, data.session(read_only=True) as two:
            together = {await one.scalar(text(PORT)), await two.scalar(text(PORT))}

        assert together == {cluster.n2.port, cluster.n3.port}, "the least used one serves"
        assert cluster.n1.port not in await ports(data, read_only=True)
        assert await ports(data) == {cluster.n1.port: 6}


async def test_a_session_reads_from_one_replica_until_its_end(cluster: PostgresqlCluster, database: str) -> None:
    """Also when the other one is used less by then: what the first one has, the other may lack (contract C11.2)."""
    settings = settings_of(cluster.addresses, database, reads={"from": "prefer-replica"})
    async with running(settings) as data, data.session(read_only=True) as session:
        await until(lambda: [role(data, node) for node in cluster.replicas] == ["replica", "replica"])
        first = await session.scalar(text(PORT))
        await session.commit()
        async with data.session(read_only=True) as one, data.session(read_only=True) as two:
            busy = {await other.scalar(text(PORT)): other for other in (one, two)}
            await next(other for port, other in busy.items() if port != first).commit()
            found = await session.scalar(text(PORT))

        assert set(busy) == {cluster.n2.port, cluster.n3.port}
        assert found == first


async def test_a_session_whose_replica_is_gone_goes_on_with_another(cluster: PostgresqlCluster, database: str) -> None:
    settings = settings_of(cluster.addresses, database, reads={"from": "prefer-replica"})
    async with running(settings) as data, data.session(read_only=True) as session:
        await until(lambda: [role(data, node) for node in cluster.replicas] == ["replica", "replica"])
        first = await session.scalar(text(PORT))
        await session.commit()
        [gone] = [node for node in cluster.replicas if node.port == first]
        await asyncio.to_thread(gone.stop)
        await until(lambda: role(data, gone) == "down")

        assert await session.scalar(text(PORT)) in {node.port for node in cluster.replicas} - {first}


async def test_the_primary_serves_readers_while_there_is_no_replica(cluster: PostgresqlCluster, database: str) -> None:
    settings = settings_of(cluster.addresses, database, reads={"from": "prefer-replica"})
    async with running(settings) as data:
        for node in cluster.replicas:
            await asyncio.to_thread(node.stop)

        assert (await ports(data, read_only=True))[cluster.n1.port] > 0


async def test_readers_of_replicas_are_told_why_there_is_none(cluster: PostgresqlCluster, database: str) -> None:
    settings = settings_of([cluster.n1.address], database, reads={"from": "replica", "hosts": [cluster.n2.address]})
    async with running(settings) as data:
        await until(lambda: role(data, cluster.n2) == "replica")
        await asyncio.to_thread(cluster.n2.stop)
        await until(lambda: role(data, cluster.n2) == "down")

        with pytest.raises(ReplicaUnavailable, match="no replica within max_lag 5 s") as caught:
            await ports(data, 1, read_only=True)

        assert [server.role for server in caught.value.servers] == ["primary", "down"]


async def test_a_replica_refuses_a_write_with_a_fix_and_is_kept(cluster: PostgresqlCluster, table: str) -> None:
    settings = settings_of(cluster.addresses, table, reads={"from": "replica"})
    async with running(settings) as data:
        await until(lambda: all(role(data, node) == "replica" for node in cluster.replicas))
        with pytest.raises(ReadOnlySessionError, match="write in a session that is not"):
            async with data.session(read_only=True) as session:
                await session.execute(text("INSERT INTO t VALUES (1)"))

        assert cluster.n1.port not in await ports(data, read_only=True)
        assert data.cluster().primary == cluster.n1.address


async def test_a_write_in_a_session_that_reads_casts_no_doubt_on_the_primary(
    cluster: PostgresqlCluster, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with the code of a server that takes none; no look is begun, and none is waited for."""
    looks: list[str] = []
    look = Server.look

    async def noted(server: Server) -> Any:
        looks.append(server.address)
        return await look(server)

    seldom = {"heartbeat": 600.0, "failover_timeout": PATIENCE}
    async with running(settings_of(cluster.addresses, table, cluster=seldom)) as data:
        await until(lambda: all(host.role != "unknown" for host in data.cluster().hosts))
        monkeypatch.setattr(Server, "look", noted)
        with pytest.raises(ReadOnlySessionError):
            async with data.session(read_only=True) as session:
                await session.execute(text("INSERT INTO t VALUES (1)"))
        assert await ports(data, 1) == {cluster.n1.port: 1}

    assert looks == []


async def test_a_session_is_read_only_by_its_own_transaction(cluster: PostgresqlCluster, database: str) -> None:
    """A replica that is promoted under a reader must not take its writes."""
    settings = settings_of(cluster.addresses, database, reads={"from": "replica"})
    async with running(settings) as data, data.session(read_only=True) as session:
        said = await session.scalar(text("SELECT current_setting('transaction_read_only')"))
        own = await session.scalar(text("SELECT reset_val FROM pg_settings WHERE name = 'transaction_read_only'"))

    assert (said, own) == ("on", "off")


async def test_without_a_primary_every_server_is_named(cluster: PostgresqlCluster, database: str) -> None:
    hosts = [node.address for node in cluster.replicas]
    settings = settings_of(hosts, database, cluster={"heartbeat": 0.5, "failover_timeout": 1.0})

    with pytest.raises(ClusterError, match="no primary within 1 s") as caught:
        async with running(settings):
            pass

    assert [server.address for server in caught.value.servers] == hosts
    assert all(address in str(caught.value) for address in hosts)


async def test_a_server_of_another_cluster_fails_the_start(
    cluster: PostgresqlCluster, database: str, postgresql_url: str
) -> None:
    stranger = postgresql_url.rpartition("@")[2].partition("/")[0]

    with pytest.raises(ClusterError, match=f"more than one cluster: .*{stranger}"):
        async with running(settings_of([cluster.n1.address, stranger], "postgres")):
            pass


async def test_many_waiting_checkouts_are_all_served_after_a_switch(cluster: PostgresqlCluster, table: str) -> None:
    async with running(settings_of(cluster.addresses, table)) as data:
        await asyncio.to_thread(cluster.n1.freeze)
        waiting = [asyncio.create_task(ports(data, 1)) for _ in range(200)]
        await until(lambda: data.cluster().primary is None)
        await asyncio.to_thread(cluster.n2.promote)
        async with asyncio.timeout(3 * PATIENCE):
            answers = await asyncio.gather(*waiting, return_exceptions=True)

        served = [answer for answer in answers if not isinstance(answer, BaseException)]
        assert all(set(answer) == {cluster.n2.port} for answer in served)
        assert all(isinstance(answer, DBAPIError) for answer in answers if isinstance(answer, BaseException)), answers
        assert data.pool_status().checked_out == 0


async def test_many_waiting_checkouts_are_all_refused_where_nobody_is_promoted(
    cluster: PostgresqlCluster, table: str
) -> None:
    async with running(settings_of(cluster.addresses, table)) as data:
        await asyncio.to_thread(cluster.n1.kill)
        await until(lambda: data.cluster().primary is None)
        set_failover_timeout(data, 3.0)
        async with asyncio.timeout(3 * PATIENCE):
            answers = await asyncio.gather(*(ports(data, 1) for _ in range(200)), return_exceptions=True)

        assert {type(answer) for answer in answers} == {ClusterError}
        assert data.pool_status().checked_out == 0


async def test_one_server_is_not_watched(cluster: PostgresqlCluster, database: str) -> None:
    settings = settings_of([cluster.n1.address], database)
    engines: list[AsyncEngine] = []
    before = asyncio.all_tasks()
    async with running(settings, on_engine=lambda _, engine: engines.append(engine)) as data:
        await ports(data)
        connections = await asyncio.to_thread(
            cluster.n1.fetch, f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"
        )

        assert (connections, len(engines), asyncio.all_tasks() - before) == ([(1,)], 1, set())


async def test_an_engine_that_is_kept_after_the_stop_opens_nothing(cluster: PostgresqlCluster, database: str) -> None:
    async with running(settings_of(cluster.addresses, database)) as data:
        engine = data.get_engine()

    with pytest.raises(DataModuleNotConfiguredError, match="the engine was closed"):
        await engine.connect()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_each_server_is_told_to_on_engine(cluster: PostgresqlCluster, database: str) -> None:
    engines: list[AsyncEngine] = []
    async with running(settings_of(cluster.addresses, database), on_engine=lambda _, one: engines.append(one)):
        assert len(engines) == 3


@pytest.mark.parametrize("options", [{"read_from": "primary"}, {"after": "token"}])
async def test_a_session_that_writes_has_no_choice(options: dict[str, Any]) -> None:
    data = DataModule(settings=DatabaseSettings(database_url="sqlite://"))

    with pytest.raises(ValueError, match="read_only=True"):
        data.session(**options)


async def test_listeners_of_a_server_s_engine_hear_of_its_statements(cluster: PostgresqlCluster, database: str) -> None:
    heard: list[str] = []

    def listen(_: str, engine: AsyncEngine) -> None:
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *told: heard.append(told[2]))
        event.listen(engine.sync_engine, "commit", lambda _: heard.append("COMMIT"))

    async with running(settings_of(cluster.addresses, database), on_engine=listen) as data, data.session() as session:
        heard.clear()
        await session.execute(text("SELECT 1"))
    assert heard == ["SELECT 1", "COMMIT"]


async def test_a_connection_that_is_cut_while_it_is_set_up_is_made_anew(
    cluster: PostgresqlCluster, database: str
) -> None:
    """As a pooler does whose server is gone: it lets clients in, and hangs up on the first question."""
    cuts: list[Any] = []

    def cut(connection: Any, _: Any) -> None:
        if cuts and (driver := cuts.pop()):
            connection.driver_connection.terminate()
            connection.run_async(driver)

    async def ask(driver: Any) -> None:
        await driver.fetchval("SELECT 1")

    async with running(settings_of(cluster.addresses, database)) as data, data.session() as held:
        await held.execute(text(PORT))
        event.listen(data.get_engine().sync_engine, "connect", cut)
        cuts.append(ask)

        assert await ports(data, 1) == {cluster.n1.port: 1}
        assert cuts == []


async def test_an_engine_that_was_disposed_goes_on_with_new_pools(cluster: PostgresqlCluster, database: str) -> None:
    """More sessions than a pool has places, on the primary and on replicas; what comes back stays open."""
    several: dict[str, Any] = {"pool_size": 1, "max_overflow": 0, "reads": {"from": "replica", "pool_size": 1}}
    async with running(settings_of(cluster.addresses, database, **several)) as data:
        await until(lambda: all(role(data, node) == "replica" for node in cluster.replicas))
        await ports(data)
        await ports(data, read_only=True)

        await data.get_engine().dispose()

        assert data.pool_status().checked_in == 0
        async with asyncio.timeout(PATIENCE):
            assert sum((await ports(data)).values()) == sum((await ports(data, read_only=True)).values()) == 6
        assert data.pool_status().checked_in >= 2
