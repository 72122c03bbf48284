"""A Galera cluster of two nodes, for real: conflicts at COMMIT, and a node without a majority (research H8).

The tests of the lost majority come last: the cluster stays so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import CommitOutcomeUnknown, DataModule, retrying
from myfy_data.cli.ping_profiles import ping_profiles
from tests.databases import Database
from tests.galera import Cluster, await_status, galera_cluster
from tests.servers import required

ROUNDS = 10
LOST = r"1047, .WSREP has not yet prepared node"


@dataclass(frozen=True)
class Nodes:
    """One table, reached by way of each node.

    Attributes:
        cluster: the nodes.
        database: the table, by way of the first one.
        first: a module on the first node.
        second: a module on the second one.
    """

    cluster: Cluster
    database: Database
    first: DataModule
    second: DataModule

    async def change(self, session: AsyncSession, note: str, key: int = 1) -> None:
        """Change a note."""
        notes = self.database.notes
        await session.execute(update(notes).where(notes.c.id == key).values(text=note))

    async def meddle(self, note: str) -> None:
        """Change the first note by way of the second node, and commit."""
        async with self.second.session() as session:
            await self.change(session, note)

    async def first_note(self) -> str:
        """The first note by way of the first node, once it has all that was committed."""
        question = f"SET STATEMENT wsrep_sync_wait = 1 FOR SELECT text FROM {self.database.notes.name} WHERE id = 1"
        async with self.first.session() as session:
            return str(await session.scalar(text(question)))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with required("galera"), galera_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def table(cluster: Cluster) -> Database:
    """A table with two notes. It goes with its cluster."""
    database = Database("mysql", cluster.first.url("notes"))
    notes = database.notes.name
    create = f"CREATE TABLE notes.{notes} (id INT PRIMARY KEY AUTO_INCREMENT, text VARCHAR(50) UNIQUE)"
    cluster.first.execute("CREATE DATABASE notes", create, f"INSERT INTO notes.{notes} VALUES (1, '1'), (2, '2')")
    return database


@pytest.fixture
async def nodes(cluster: Cluster, table: Database) -> AsyncIterator[Nodes]:
    elsewhere = Database("mysql", cluster.second.url("notes"))
    async with table.module(required=False) as first, elsewhere.module(required=False) as second:
        yield Nodes(cluster, table, first, second)


@pytest.fixture
def lonely(nodes: Nodes) -> Nodes:
    """The second node is lost, and the first one knows."""
    nodes.cluster.lose_majority()
    return nodes


async def test_a_conflict_between_nodes_is_found_at_commit_and_its_outcome_is_known(nodes: Nodes) -> None:
    for number in range(ROUNDS):
        with pytest.raises(DBAPIError, match="1213") as caught:
            async with nodes.first.session() as session:
                await nodes.change(session, "mine")
                await nodes.meddle(f"theirs {number}")

        assert (caught.value.statement, caught.value.connection_invalidated) == (None, False)  # COMMIT's own
        assert await nodes.first_note() == f"theirs {number}"
    assert nodes.first.pool_status().checked_out == 0


async def test_a_unit_of_work_that_lost_against_another_node_is_run_again(nodes: Nodes) -> None:
    attempts = 0
    async for attempt in retrying(nodes.first):
        async with attempt as session:
            attempts = attempt.number
            await nodes.change(session, "mine")
            if attempt.number == 1:
                await nodes.meddle("theirs")

    assert attempts == 2
    assert await nodes.first_note() == "mine"


async def test_both_nodes_take_writes(nodes: Nodes) -> None:
    """The positive control of what follows."""
    for data in (nodes.first, nodes.second):
        health = (await data.health()).profiles["main"]
        assert (health.ok, health.writable) == (True, True)


async def test_a_commit_during_the_loss_is_unknown_and_one_after_it_is_refused(nodes: Nodes) -> None:
    """The first waits until the loss is noticed; in a larger cluster, the others may have stored it."""
    with pytest.raises(DBAPIError, match=LOST) as caught:
        async with nodes.first.session() as late:
            await nodes.change(late, "late", key=2)
            with pytest.raises(CommitOutcomeUnknown):
                async with nodes.first.session() as session:
                    await nodes.change(session, "early")
                    nodes.cluster.cut()
            await_status(nodes.cluster.first, "wsrep_ready", "OFF")

    assert caught.value.statement is None  # COMMIT's own
    assert nodes.first.pool_status().checked_out == 0


async def test_the_error_of_the_statement_is_told_not_that_of_the_rollback(lonely: Nodes) -> None:
    with pytest.raises(DBAPIError, match=LOST) as caught:
        async with lonely.first.session() as session:
            await lonely.change(session, "mine")

    assert str(caught.value.statement).startswith("UPDATE")
    assert lonely.first.pool_status().checked_out == 0


async def test_a_node_without_a_majority_is_not_writable_for_health_and_ping(
    lonely: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    health = (await lonely.first.health()).profiles["main"]
    (answer,) = await ping_profiles(lonely.first.settings, ["main"], named=False)

    assert (health.ok, health.writable) == (False, False)
    assert health.error == "the server takes no writes: it is read-only, or a replica"
    assert answer.as_json()["writable"] is False
    assert "refuses writes; every connection is replaced at its next use" in caplog.text


async def test_a_refusal_by_a_node_without_a_majority_replaces_every_connection(lonely: Nodes) -> None:
    engine = lonely.first.get_engine()
    opened: list[object] = []
    event.listen(engine.sync_engine, "connect", lambda _, entry: opened.append(entry))
    async with engine.connect(), engine.connect():
        pass
    with pytest.raises(DBAPIError, match=LOST):
        async with lonely.first.session() as session:
            await lonely.change(session, "mine")

    async with engine.connect(), engine.connect():
        pass

    assert len(opened) == 4


async def test_a_node_that_would_wait_for_a_majority_says_so(lonely: Nodes) -> None:
    """With wsrep_sync_wait even a question waits for the cluster, which is refused at once."""
    lonely.cluster.first.execute("SET GLOBAL wsrep_sync_wait = 15")

    health = (await lonely.first.health()).profiles["main"]
    (answer,) = await ping_profiles(lonely.first.settings, ["main"], named=False)

    assert not health.ok
    assert "a node of a cluster that has no majority" in str(answer.as_json())
