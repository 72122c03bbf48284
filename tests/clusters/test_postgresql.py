"""The cluster of the tests does what its words say: each of them is seen on real servers."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.clusters.postgresql import Node, PostgresqlCluster
from tests.own_servers import HOST

pytestmark = pytest.mark.postgresql

IS_REPLICA = "SELECT pg_is_in_recovery()"


def roles(cluster: PostgresqlCluster) -> list[bool]:
    return [node.fetch(IS_REPLICA) == [(True,)] for node in cluster.nodes]


def store(node: Node, database: str, number: int) -> None:
    node.execute("CREATE TABLE IF NOT EXISTS t (i int)", f"INSERT INTO t VALUES ({number})", database=database)


def stored(node: Node, database: str) -> list[int]:
    return [row[0] for row in node.fetch("SELECT i FROM t ORDER BY i", database=database)]


def test_a_replica_has_what_the_primary_stored(cluster: PostgresqlCluster) -> None:
    assert roles(cluster) == [False, True, True]
    with cluster.database() as name:
        store(cluster.n1, name, 1)
        cluster.await_replicas()

        assert [stored(node, name) for node in cluster.nodes] == [[1], [1], [1]]


def test_a_paused_replica_receives_and_does_not_apply(cluster: PostgresqlCluster) -> None:
    with cluster.database() as name:
        store(cluster.n1, name, 1)
        cluster.await_replicas()
        cluster.n2.pause_replay()
        store(cluster.n1, name, 2)
        cluster.await_replicas(cluster.n1, cluster.n3)

        assert [stored(node, name) for node in cluster.nodes] == [[1, 2], [1], [1, 2]]
        cluster.n2.resume_replay()
        cluster.await_replicas()
        assert stored(cluster.n2, name) == [1, 2]


def test_a_promoted_replica_takes_writes_and_the_other_one_follows_it(cluster: PostgresqlCluster) -> None:
    with cluster.database() as name:
        cluster.n1.kill()
        cluster.n2.promote()
        cluster.n3.follow(cluster.n2)
        store(cluster.n2, name, 1)
        cluster.await_replicas(cluster.n2, cluster.n3)

        assert stored(cluster.n3, name) == [1]


@pytest.mark.parametrize("way", ["rejoin", "clone"])
def test_the_old_primary_comes_back_as_a_replica(cluster: PostgresqlCluster, way: str) -> None:
    with cluster.database() as name:
        store(cluster.n1, name, 1)
        cluster.await_replicas()
        cluster.n3.stop()
        store(cluster.n1, name, 2)
        cluster.n1.kill()
        cluster.n2.promote()
        store(cluster.n2, name, 3)
        getattr(cluster.n1, way)(cluster.n2)
        cluster.await_replicas(cluster.n2, cluster.n1)

        assert stored(cluster.n1, name) == stored(cluster.n2, name)
        assert 3 in stored(cluster.n1, name)


async def test_a_frozen_server_accepts_connections_and_answers_when_it_is_resumed(cluster: PostgresqlCluster) -> None:
    held = await asyncpg.connect(host=HOST, port=cluster.n1.port, user="postgres", database="postgres")
    await asyncio.to_thread(cluster.n1.freeze)

    _, writer = await asyncio.open_connection(HOST, cluster.n1.port)
    statement = asyncio.create_task(held.fetchval("SELECT 1"))
    done, _ = await asyncio.wait({statement}, timeout=0.5)
    assert not done

    cluster.n1.resume()
    assert await statement == 1
    writer.close()
    await writer.wait_closed()
    await held.close()


def test_a_frozen_primary_does_not_hinder_a_promotion(cluster: PostgresqlCluster) -> None:
    cluster.n1.freeze()
    cluster.n2.promote()
    cluster.n1.resume()

    assert roles(cluster) == [False, False, True]  # it still calls itself a primary


def test_with_synchronous_replication_a_commit_waits_for_a_replica(cluster: PostgresqlCluster) -> None:
    cluster.replicate_synchronously(commit="remote_apply")
    with cluster.database() as name:
        for number in range(20):
            store(cluster.n1, name, number)

        assert list(range(20)) in [stored(node, name) for node in cluster.replicas]


def test_after_all_of_that_the_cluster_is_as_it_was_made(cluster: PostgresqlCluster) -> None:
    cluster.n1.kill()
    cluster.n2.promote()
    cluster.n3.freeze()
    cluster.reset()

    assert roles(cluster) == [False, True, True]
    cluster.n1.await_streaming(cluster.n2, cluster.n3)
