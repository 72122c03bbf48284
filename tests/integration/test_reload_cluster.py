"""A profile with several servers is reloaded: other servers, other settings of theirs, under load (contract C12.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from myfy_data import ClusterError, DataModule, ReloadReport
from myfy_data.engines.cluster.cluster import OpenCluster
from tests.asyncio_servers import PATIENCE
from tests.clusters.installation import SUPERUSER
from tests.clusters.mariadb import MariaCluster
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.profiles import role, until
from tests.integration.test_reload_under_load import stored, under_load
from tests.reloading import ask, drained, open_connections
from tests.sandbox import Sandbox

PORT = "SELECT current_setting('port')::int"
PID = "SELECT pg_backend_pid()"
NAME = "SELECT current_setting('application_name')"


class Site:
    """A project whose profile `main` has servers of a cluster."""

    def __init__(self, project: Sandbox, addresses: list[str], database: str) -> None:
        self._project = project
        self._database = database
        self.every = addresses
        self.write()

    def write(self, *lines: str, hosts: list[str] | None = None, reads: str = "", timeout: float = 60.0) -> None:
        """Give the profile these lines and servers."""
        head = ["[data]", 'default = "main"', "[data.profiles.main]", f'database_url = "{self._database}"']
        bounds = [f"connect_timeout = {PATIENCE}", f"pool_timeout = {PATIENCE}", *lines]
        watched = ["[data.profiles.main.cluster]", "heartbeat = 0.5", f"failover_timeout = {timeout}"]
        servers = [f"hosts = {hosts or self.every}"]
        text_ = "\n".join([*head, *bounds, *servers, *watched, "[data.profiles.main.reads]", reads, ""])
        self._project.write("myfy.toml", text_)


@pytest.fixture
def site(project: Sandbox, cluster: PostgresqlCluster) -> Iterator[Site]:
    with cluster.database() as name:
        yield Site(project, cluster.addresses, f"postgresql+asyncpg://{SUPERUSER}@/{name}")


def opened(data: DataModule) -> OpenCluster:
    [found] = data.engine_gate.registry.engines_of("main")
    assert isinstance(found, OpenCluster)
    return found


async def read(data: DataModule, question: str = PORT) -> object:
    async with data.session("main", read_only=True) as session:
        return await session.scalar(text(question))


async def replicas_known(data: DataModule, cluster: PostgresqlCluster) -> None:
    await until(lambda: all(role(data, node) == "replica" for node in cluster.replicas))


async def test_where_reads_go_and_how_servers_are_watched_is_live(cluster: PostgresqlCluster, site: Site) -> None:
    async with DataModule() as data:
        await replicas_known(data, cluster)
        mine, before = await ask(data, PID), await read(data)
        site.write(reads='from = "replica"\nmax_lag = 30.0', timeout=5.0)

        report = await data.reload()

        assert set(report.applied) == {
            f"profiles.main.{key}" for key in ("cluster.failover_timeout", "reads.from", "reads.max_lag")
        }
        assert report.swapped == ()
        assert before == cluster.n1.port
        assert await read(data) in {node.port for node in cluster.replicas}
        assert await ask(data, PID) == mine


async def test_sizes_and_deadlines_hold_on_every_server(cluster: PostgresqlCluster, site: Site) -> None:
    reads = 'from = "replica"'
    site.write(reads=reads)
    async with DataModule() as data:
        await replicas_known(data, cluster)
        mine, theirs = await ask(data, PID), await read(data, PID)
        site.write("statement_timeout = 7", "pool_size = 3", reads=reads)

        await data.reload()

        limit = "SHOW statement_timeout"
        assert (await ask(data, limit), await read(data, limit)) == ("7s", "7s")
        assert await ask(data, PID) == mine
        assert isinstance(theirs, int)


@pytest.mark.parametrize("reads", ["", 'from = "replica"'], ids=["primary", "replica"])
async def test_a_swap_leads_sessions_that_are_open_to_the_new_engine(
    cluster: PostgresqlCluster, site: Site, reads: str
) -> None:
    site.write('application_name = "before"', reads=reads)
    async with DataModule() as data:
        await replicas_known(data, cluster)
        async with data.session(read_only=bool(reads)) as kept:
            mine = await kept.scalar(text(PID))
            site.write('application_name = "after"', reads=reads)
            async with drained(data) as replaced:
                report = await data.reload()
                still = await kept.scalar(text(PID))
                await kept.commit()
                moved = await kept.scalar(text(NAME))
                await kept.commit()

        assert report == ReloadReport((), ("main",), ())
        assert (still, moved) == (mine, "after")
        assert [connection for old in replaced for connection in open_connections(old)] == []
        assert data.pool_status().checked_out == 0


async def test_a_session_with_a_token_goes_on_after_a_swap(cluster: PostgresqlCluster, site: Site) -> None:
    site.write('application_name = "before"', reads='from = "replica"')
    async with DataModule() as data:
        await replicas_known(data, cluster)
        async with data.session("main") as session:
            await session.execute(text("CREATE TABLE noted (a int)"))
        async with data.session("main", read_only=True, after=session.token) as kept:
            await kept.scalar(text(PORT))
            site.write('application_name = "after"', reads='from = "replica"')
            async with drained(data):
                await data.reload()
                await kept.commit()
            assert await kept.scalar(text("SELECT count(*) FROM noted")) == 0
            assert await kept.scalar(text(NAME)) == "after"


async def test_readers_come_and_go_and_the_primary_keeps_its_connections(
    cluster: PostgresqlCluster, site: Site
) -> None:
    # A first connection to a reader may take a busy machine longer than `reads.wait` is by default.
    hosts, reads = [cluster.n1.address], f'from = "replica"\nwait = {PATIENCE}\nhosts = ["{{}}"]'
    site.write(hosts=hosts, reads=reads.format(cluster.n2.address))
    async with DataModule() as data:
        await until(lambda: role(data, cluster.n2) == "replica")
        mine = await ask(data, PID)
        async with data.session(read_only=True) as held:
            left = await held.scalar(text(PORT))
            site.write(hosts=hosts, reads=reads.format(cluster.n3.address))
            report = await data.reload()
            there = await read(data)
            still = await held.scalar(text(PORT))
            await held.commit()
            moved = await held.scalar(text(PORT))

        assert report == ReloadReport(("profiles.main.reads.hosts",), (), ())
        assert (left, still, there, moved) == (cluster.n2.port, cluster.n2.port, cluster.n3.port, cluster.n3.port)
        assert [host.address for host in data.cluster().hosts] == [cluster.n1.address, cluster.n3.address]
        assert await ask(data, PID) == mine
        gone = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> ''"
        await asyncio.to_thread(cluster.n2.await_answer, gone, 0)


async def test_one_server_becomes_several_and_several_one(cluster: PostgresqlCluster, site: Site) -> None:
    site.write(hosts=[cluster.n1.address])
    async with DataModule() as data, data.session() as kept:
        await kept.scalar(text(PORT))
        site.write()
        async with drained(data):
            more = await data.reload()
            await kept.commit()
        await replicas_known(data, cluster)
        with_more = await kept.scalar(text(PORT))
        site.write(hosts=[cluster.n1.address])
        async with drained(data) as replaced:
            less = await data.reload()
            await kept.commit()
        with_less = await kept.scalar(text(PORT))

        assert (more.swapped, less.swapped) == (("main",), ("main",))
        assert with_more == with_less == cluster.n1.port
        assert [connection for old in replaced for connection in open_connections(old)] == []


async def test_servers_without_a_primary_change_nothing(cluster: PostgresqlCluster, site: Site) -> None:
    async with DataModule() as data:
        engine, mine = data.get_engine(), await ask(data, PID)
        site.write(hosts=[node.address for node in cluster.replicas], timeout=1.0)

        with pytest.raises(ClusterError, match="no primary within 1 s"):
            await data.reload()

        assert data.get_engine() is engine
        assert await ask(data, PID) == mine
        assert data.engine_gate.registry.draining.engines == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_waits_for_a_primary_gets_it_from_the_new_servers(cluster: PostgresqlCluster, site: Site) -> None:
    site.write(hosts=[cluster.n1.address, cluster.n3.address])
    async with DataModule() as data:
        await asyncio.to_thread(cluster.n1.freeze)
        await asyncio.to_thread(cluster.n2.promote)
        await until(lambda: data.cluster().primary is None)
        waiting = asyncio.create_task(ask(data, PORT))
        site.write(hosts=[cluster.n2.address, cluster.n3.address])
        async with asyncio.timeout(PATIENCE):
            await data.reload()
            assert await waiting == cluster.n2.port


async def test_readers_of_mariadb_are_led_on_and_come_and_go(maria: MariaCluster, project: Sandbox) -> None:
    port = "SELECT @@port"
    with maria.database() as name:
        site = Site(project, [maria.m1.address], f"mysql+aiomysql://app@/{name}")
        reads = f'from = "prefer-replica"\nhosts = ["{maria.m2.address}"]'
        site.write(reads=reads)
        async with DataModule() as data, data.session(read_only=True) as kept:
            await until(lambda: role(data, maria.m2) == "replica")
            before = await kept.scalar(text(port))
            site.write("execution_options = { turn = 1 }", reads=reads)
            async with drained(data):
                swapped = await data.reload()
                await kept.commit()
            led = await kept.scalar(text(port))
            site.write("execution_options = { turn = 1 }", hosts=maria.addresses, reads='from = "prefer-replica"')
            async with drained(data):
                await data.reload()
                await kept.commit()
            moved = await kept.scalar(text(port))

        assert swapped.swapped == ("main",)
        assert (before, led, moved) == (maria.m2.port,) * 3


async def test_swaps_of_several_servers_under_load(cluster: PostgresqlCluster, site: Site) -> None:
    bounded, reads = ("pool_size = 3", "max_overflow = 0"), 'from = "prefer-replica"\nconsistency = "eventual"'
    site.write(*bounded, reads=reads)
    async with DataModule() as data:
        await replicas_known(data, cluster)
        is_over = asyncio.Event()

        async def reader() -> None:
            while not is_over.is_set():
                await read(data)

        reading = [asyncio.create_task(reader()) for _ in range(2)]

        async def reload(turn: int) -> None:
            site.write(*bounded, f"execution_options = {{ turn = {turn} }}", reads=reads)
            assert (await data.reload()).swapped == ("main",)

        try:
            async with drained(data) as replaced:
                load = await under_load(data, reload, rounds=10)
        finally:
            is_over.set()
            failed = [error for error in await asyncio.gather(*reading, return_exceptions=True) if error]

        assert (load.failed, failed) == ([], [])
        assert await stored(data) == sum(load.done)
        assert [connection for old in replaced for connection in open_connections(old)] == []
        assert data.pool_status().checked_out == 0
        assert len({task for task in asyncio.all_tasks() if "monitor" in task.get_name()}) == 1
