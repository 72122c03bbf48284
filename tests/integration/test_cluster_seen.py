"""What users see of a profile's servers: role and lag of each, in `health()` and in `ping` (contract C11.5)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from myfy_data import ClusterError, DataModule
from myfy_data.health.report import ProfileHealth
from tests.clusters.node import Node
from tests.clusters.postgresql import PostgresqlCluster
from tests.clusters.profiles import set_failover_timeout
from tests.integration.test_cluster_postgresql import ports, role, running, settings_of, until
from tests.sandbox import Sandbox

pytestmark = pytest.mark.postgresql


@pytest.fixture
def database(cluster: PostgresqlCluster) -> Any:
    with cluster.database() as name:
        yield name


async def health(data: DataModule) -> ProfileHealth:
    return (await data.health()).profiles["main"]


def roles(found: ProfileHealth) -> dict[str, str]:
    return {host.address: host.role for host in found.hosts}


def several(project: Sandbox, cluster: PostgresqlCluster, database: str, more: str = "") -> None:
    hosts = ", ".join(f'"{address}"' for address in cluster.addresses)
    url = f"postgresql://postgres@/{database}"
    own = "connect_timeout = 20.0\ncluster = { heartbeat = 4.0 }\n"
    project.write("myfy.toml", f'[data.profiles.main]\ndatabase_url = "{url}"\nhosts = [{hosts}]\n{own}{more}')


async def test_health_tells_role_and_lag_of_each_server(cluster: PostgresqlCluster, database: str) -> None:
    async with running(settings_of(cluster.addresses, database)) as data:
        found = await health(data)

    expected = dict(zip(cluster.addresses, ["primary", "replica", "replica"], strict=True))
    assert (found.status, roles(found)) == ("ok", expected)
    assert [host.lag for host in found.hosts] == [None, 0.0, 0.0]


async def test_a_replica_that_is_lost_degrades(cluster: PostgresqlCluster, database: str) -> None:
    async with running(settings_of(cluster.addresses, database)) as data:
        await asyncio.to_thread(cluster.n3.kill)
        await until(lambda: role(data, cluster.n3) == "down")
        found = await health(data)

    assert (found.ok, found.status, roles(found)[cluster.n3.address]) == (True, "degraded", "down")


async def test_without_a_primary_health_answers_within_connect_timeout(
    cluster: PostgresqlCluster, database: str
) -> None:
    """And not within `failover_timeout`, for which checkouts wait."""
    settings = settings_of(cluster.addresses, database, connect_timeout=2.0)
    async with running(settings) as data:
        await asyncio.to_thread(cluster.n1.kill)
        await until(lambda: data.cluster().primary is None)
        found = await health(data)

    assert (found.ok, found.error, found.error_class) == (False, "no primary", "ClusterError")
    assert found.latency < settings.cluster.failover_timeout
    assert [host.role for host in found.hosts if host.address == cluster.n1.address] == ["down"]


@pytest.mark.parametrize(("name", "said"), [("n1", "primary"), ("n2", "replica")])
async def test_one_server_has_the_role_that_it_answered(
    cluster: PostgresqlCluster, database: str, name: str, said: str
) -> None:
    node: Node = getattr(cluster, name)
    async with running(settings_of([node.address], database)) as data:
        assert roles(await health(data)) == {node.address: said}


def test_ping_tells_each_server(cluster: PostgresqlCluster, database: str, project: Sandbox) -> None:
    several(project, cluster, database)

    lines = project.run("ping").stdout.splitlines()
    (answer,) = json.loads(project.run("ping", "--json").stdout)

    assert [line.split() for line in lines[1:]] == [
        [cluster.n1.address, "primary"],
        [cluster.n2.address, "replica,", "0", "s", "behind"],
        [cluster.n3.address, "replica,", "0", "s", "behind"],
    ]
    assert [(host["address"], host["role"], host["lag"]) for host in answer["hosts"]] == [
        (cluster.n1.address, "primary", None),
        (cluster.n2.address, "replica", 0.0),
        (cluster.n3.address, "replica", 0.0),
    ]


def test_ping_without_a_primary_names_every_server(cluster: PostgresqlCluster, database: str, project: Sandbox) -> None:
    several(project, cluster, database)
    cluster.n1.kill()

    result = project.run("ping", "--set", "connect_timeout=5")

    assert result.returncode == 1
    assert "no primary within 5 s" in result.stderr
    told = [line.split()[:2] for line in result.stdout.splitlines()[1:]]
    assert [address for address, _ in told] == cluster.addresses
    assert told[0][1].startswith("down")
    assert {what for _, what in told[1:]} <= {"replica,", "stale:"}, "which follow a dead primary until they notice"


# -- readers with addresses of their own -------------------------------------------------------------------------------


def with_readers(primary: Node, readers: list[Node], database: str, **more: Any) -> Any:
    reads = {"from": "prefer-replica", "hosts": [node.address for node in readers], **more.pop("reads", {})}
    return settings_of([primary.address], database, reads=reads, **more)


async def test_readers_with_addresses_of_their_own_serve_reads(cluster: PostgresqlCluster, database: str) -> None:
    async with running(with_readers(cluster.n1, cluster.replicas, database)) as data:
        await until(lambda: all(role(data, node) == "replica" for node in cluster.replicas))

        assert set(await ports(data, 12, read_only=True)) <= {cluster.n2.port, cluster.n3.port}
        assert await ports(data) == {cluster.n1.port: 6}


async def test_a_reader_that_is_promoted_takes_no_writes(cluster: PostgresqlCluster, database: str) -> None:
    """What stands in `reads.hosts` may be a proxy's port, behind which the server is another one in a moment."""
    async with running(with_readers(cluster.n1, [cluster.n2], database)) as data:
        await until(lambda: role(data, cluster.n2) == "replica")
        await asyncio.to_thread(cluster.n1.kill)
        await asyncio.to_thread(cluster.n2.promote)
        await until(lambda: data.cluster().primary is None)
        set_failover_timeout(data, 3.0)

        with pytest.raises(ClusterError, match="takes writes, and stands in reads"):
            await ports(data, 1)


async def test_a_readers_address_that_leads_to_the_primary_is_no_second_one(
    cluster: PostgresqlCluster, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a service's reader endpoint has no replica behind it: the primary serves, by its own address."""
    reader = f"localhost:{cluster.n1.port}"
    settings = settings_of([cluster.n1.address], database, reads={"from": "prefer-replica", "hosts": [reader]})
    async with running(settings) as data:
        await until(lambda: data.cluster().hosts[1].role == "stale")

        assert await ports(data, read_only=True) == {cluster.n1.port: 6}
        assert data.cluster().primary == cluster.n1.address
    assert "take writes" not in caplog.text
