"""A MariaDB primary with a replica that follows it by GTID, which tests kill, freeze, promote and let lag.

What blocks here blocks an event loop too: in a coroutine, `await asyncio.to_thread(node.promote)`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql

from tests.clusters.cluster import Cluster, at_work, new_name
from tests.clusters.mariadbd import MariaServer
from tests.clusters.waiting import until
from tests.own_servers import HOST, Workspace, find, free_port, in_memory, workspace
from tests.servers import NoServerError

NAMES = ("m1", "m2")
_ROOM = 2 * 1024**3
"""Bytes that must be free in memory; four data directories of 60 MB, and what tests write."""

_FOLLOW = (
    "CHANGE MASTER TO master_host='127.0.0.1', master_port={port}, master_user='root', master_use_gtid={gtid},"
    " master_connect_retry=1, master_heartbeat_period=1"
)


class MariaNode(MariaServer):
    """One server of the two."""

    def start(self) -> None:
        """Start it, and wait until it lets clients in."""
        listen = [f"--port={self.port}", f"--bind-address={HOST}"]
        log = ["--log-bin=bin", "--log-slave-updates", "--gtid-strict-mode=ON"]
        quick = ["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0"]
        self._run(self._command(*listen, *log, *quick, "--slave-net-timeout=3"))

    def promote(self) -> None:
        """Make a replica take writes and follow nobody, once it has applied all that it received."""
        self._touch()
        self.execute("STOP SLAVE IO_THREAD")
        received = self._slave_status()["Gtid_IO_Pos"]
        reached = f"SELECT MASTER_GTID_WAIT('{received}', 1)"
        until(lambda: self.fetch(reached) == [(0,)], f"{self} does not apply {received}")
        self.execute("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF")

    def demote(self) -> None:
        """Make a primary refuse the writes of ordinary accounts, as before a switch that was planned."""
        self._touch()
        self.execute("SET GLOBAL read_only = ON")

    def configure(self, **variables: str) -> None:
        """Set global variables."""
        self._touch()
        self.execute(*(f"SET GLOBAL {name} = {value}" for name, value in variables.items()))

    def follow(self, primary: MariaNode, gtid: str = "slave_pos") -> None:
        """Make it a replica, and wait until it has all that the primary wrote up to now."""
        self.join(primary, gtid)
        self.await_position(primary)

    def join(self, primary: MariaNode, gtid: str) -> None:
        """Make it a replica."""
        change = _FOLLOW.format(port=primary.port, gtid=gtid)
        self.demote()
        self.execute(change, "START SLAVE")

    def pause_replay(self) -> None:
        """Let a replica receive and not apply: it lags from now on."""
        self._touch()
        self.execute("STOP SLAVE SQL_THREAD")

    def resume_replay(self) -> None:
        """Let a replica apply what it received."""
        self.execute("START SLAVE SQL_THREAD")

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements, each in a transaction of its own."""
        for statement in statements:
            self.fetch(statement, database)

    def await_position(self, primary: MariaNode) -> None:
        """Wait until it has applied what the primary wrote up to now."""
        ((position,),) = primary.fetch("SELECT @@gtid_current_pos")
        reached = f"SELECT MASTER_GTID_WAIT('{position}', 1)"
        until(lambda: self.fetch(reached) == [(0,)], f"{self} does not reach {position}")

    def _slave_status(self) -> dict[str, Any]:
        with self._connect() as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SHOW SLAVE STATUS")
            return dict(cursor.fetchone() or {})


class MariaCluster(Cluster[MariaNode]):
    """The servers: `m1` is the primary, `m2` follows it and is `read_only` until a test changes that."""

    def __init__(self, work: Workspace) -> None:
        super().__init__(work, [MariaNode(work, name, free_port()) for name in NAMES])
        self.m1, self.m2 = self.nodes

    @contextmanager
    def database(self) -> Iterator[str]:
        """A new database, which the replica has too; dropped by the next reset at the latest.

        The account `app` may do everything in it and see how replication is, `blind` may not see that.
        """
        name = new_name()
        self.m1.execute(f"CREATE DATABASE {name}")
        for account in ("app", "blind"):
            self.m1.execute(f"CREATE USER IF NOT EXISTS {account}@'%'", f"GRANT ALL ON {name}.* TO {account}@'%'")
        self.m1.execute("GRANT SLAVE MONITOR ON *.* TO app@'%'")
        self.m2.await_position(self.m1)
        yield name
        if not self.is_touched:
            self.m1.execute(f"DROP DATABASE {name}")

    def replicate_synchronously(self) -> None:
        """Let a COMMIT wait until the replica has received it; nothing ends that wait."""
        self.m2.configure(rpl_semi_sync_slave_enabled="ON")
        self.m2.execute("STOP SLAVE IO_THREAD", "START SLAVE IO_THREAD")
        self.m1.configure(rpl_semi_sync_master_timeout="3600000", rpl_semi_sync_master_enabled="ON")
        joined = "SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_master_clients'"
        until(lambda: self.m1.fetch(joined)[0][1] == "1", f"{self.m2} does not acknowledge")

    def install(self) -> None:
        """As `Cluster`: twice the same, which has no history."""
        self.m1.install()
        self._work.run("cp", "-a", self.m1.data, self.m2.data)
        self.keep()

    def launch(self) -> None:
        """As `Cluster`."""
        for node in self.nodes:
            node.start()
        self.m2.follow(self.m1)


@contextmanager
def mariadb_cluster() -> Iterator[MariaCluster]:
    """A primary and a replica, which end with the block.

    Raises:
        NoServerError: MariaDB is not installed.
    """
    if find("mariadbd") is None:
        raise NoServerError("no MariaDB: install it (Debian: apt-get install mariadb-server)")
    with workspace("mysql", in_memory(_ROOM)) as work, at_work(MariaCluster(work)) as cluster:
        yield cluster
