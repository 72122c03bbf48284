"""The MariaDB cluster of the tests does what its words say: each of them is seen on real servers."""

from __future__ import annotations

import pytest

from tests.clusters.mariadb import MariaCluster, MariaNode

pytestmark = pytest.mark.mysql


def store(node: MariaNode, database: str, number: int) -> None:
    node.execute("CREATE TABLE IF NOT EXISTS t (i int)", f"INSERT INTO t VALUES ({number})", database=database)


def stored(node: MariaNode, database: str) -> list[int]:
    return [row[0] for row in node.fetch("SELECT i FROM t ORDER BY i", database=database)]


def read_only(cluster: MariaCluster) -> list[int]:
    return [node.fetch("SELECT @@read_only")[0][0] for node in cluster.nodes]


def test_a_replica_has_what_the_primary_stored(maria: MariaCluster) -> None:
    assert read_only(maria) == [0, 1]
    with maria.database() as name:
        store(maria.m1, name, 1)
        maria.m2.await_position(maria.m1)

        assert [stored(node, name) for node in maria.nodes] == [[1], [1]]


def test_a_paused_replica_receives_and_does_not_apply(maria: MariaCluster) -> None:
    with maria.database() as name:
        store(maria.m1, name, 1)
        maria.m2.await_position(maria.m1)
        maria.m2.pause_replay()
        store(maria.m1, name, 2)

        assert [stored(node, name) for node in maria.nodes] == [[1, 2], [1]]
        maria.m2.resume_replay()
        maria.m2.await_position(maria.m1)
        assert stored(maria.m2, name) == [1, 2]


def test_a_promoted_replica_takes_writes_and_the_old_primary_follows_it(maria: MariaCluster) -> None:
    with maria.database() as name:
        store(maria.m1, name, 1)
        maria.m2.await_position(maria.m1)
        maria.m1.kill()
        maria.m2.promote()
        store(maria.m2, name, 2)
        maria.m1.start()
        maria.m1.follow(maria.m2, gtid="current_pos")

        assert [stored(node, name) for node in maria.nodes] == [[1, 2], [1, 2]]


def test_a_frozen_primary_does_not_hinder_a_promotion(maria: MariaCluster) -> None:
    maria.m1.freeze()
    maria.m2.promote()
    maria.m1.resume()

    assert read_only(maria) == [0, 0]  # it still takes writes


def test_after_all_of_that_the_cluster_is_as_it_was_made(maria: MariaCluster) -> None:
    maria.m1.kill()
    maria.m2.freeze()
    maria.reset()

    assert read_only(maria) == [0, 1]
    with maria.database() as name:
        assert maria.m2.fetch("SELECT schema_name FROM information_schema.schemata WHERE schema_name = %r" % name)  # noqa: UP031 - quoted
