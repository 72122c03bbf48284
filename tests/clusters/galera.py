"""A Galera cluster of three nodes, which tests kill, freeze, desynchronise and cut off from the majority.

What blocks here blocks an event loop too: in a coroutine, `await asyncio.to_thread(node.kill)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.clusters.cluster import Cluster, at_work, new_name
from tests.clusters.mariadbd import MariaServer
from tests.clusters.waiting import until
from tests.galera import galera_library, group_options
from tests.own_servers import HOST, Workspace, free_port, in_memory, workspace

NAMES = ("g1", "g2", "g3")
_ROOM = 3 * 1024**3
"""Bytes that must be free in memory; six data directories of 100 MB, and what tests write."""

_STATUS = "SHOW GLOBAL STATUS WHERE Variable_name = '{name}'"


class GaleraNode(MariaServer):
    """One of the nodes."""

    def __init__(self, work: Workspace, library: str, name: str) -> None:
        self.ports = [free_port() for _ in range(4)]
        super().__init__(work, name, self.ports[0])
        self._library = library

    def start(self, *others: GaleraNode) -> None:
        """Start it, and wait until it is synchronised with the others; without any it makes a new cluster."""
        group = ",".join(f"{HOST}:{other.ports[1]}" for other in others)
        self._run(self._command(*group_options(self._library, self.ports, group)))
        self.await_status("wsrep_local_state_comment", "Synced")

    def desync(self) -> None:
        """Let it fall behind, as a donor does: the others do not wait for it any more."""
        self._touch()
        self.fetch("SET GLOBAL wsrep_desync = ON")

    def await_status(self, name: str, value: str) -> None:
        """Wait until it says so of itself."""
        found = _STATUS.format(name=name)
        until(lambda: [row[1] for row in self.fetch(found)] == [value], f"{self}: {name} is not {value}")

    def await_statement(self, statement: str) -> None:
        """Wait until a client runs it."""
        running = f"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = '{statement}'"
        until(lambda: self.fetch(running) == [(1,)], f"{self} does not run {statement}")


class GaleraCluster(Cluster[GaleraNode]):
    """The nodes `g1`, `g2` and `g3`: each takes writes, and two of them are a majority."""

    def __init__(self, work: Workspace, library: str) -> None:
        super().__init__(work, [GaleraNode(work, library, name) for name in NAMES])
        self.g1, self.g2, self.g3 = self.nodes

    @contextmanager
    def table(self) -> Iterator[str]:
        """A new database with the table `t`, on all nodes; dropped by the next reset at the latest."""
        name = new_name()
        self.g1.fetch(f"CREATE DATABASE {name}")
        self.g1.fetch("CREATE TABLE t (i int PRIMARY KEY)", name)
        yield name
        if not self.is_touched:
            self.g1.fetch(f"DROP DATABASE {name}")

    def lose_majority(self, left: GaleraNode) -> None:
        """Kill all but one node, and wait until that has noticed."""
        for node in self.nodes:
            if node is not left:
                node.kill()
        left.await_status("wsrep_cluster_status", "non-Primary")

    def install(self) -> None:
        """As `Cluster`; a node that joins gets everything from another one."""
        self.g1.install()
        for node in (self.g2, self.g3):
            self._work.run("mkdir", node.data)
        self.launch()
        for node in reversed(self.nodes):  # the last one to end is the one that may begin anew
            node.stop()
        self.keep()

    def launch(self) -> None:
        """As `Cluster`."""
        for number, node in enumerate(self.nodes):
            node.start(*self.nodes[:number])


@contextmanager
def three_nodes() -> Iterator[GaleraCluster]:
    """Three nodes, which end with the block.

    Raises:
        NoServerError: something that it takes is not installed.
    """
    library = galera_library()
    with workspace("mysql", in_memory(_ROOM)) as work, at_work(GaleraCluster(work, library)) as cluster:
        yield cluster
