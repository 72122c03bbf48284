"""One PostgreSQL server of a cluster: its process, its role, what it says."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from tests.clusters.installation import SUPERUSER, Installation, conninfo
from tests.clusters.server import ClusterServer
from tests.clusters.waiting import until
from tests.own_servers import HOST
from tests.servers import POSTGRESQL, in_own_loop

CONNECT_TIMEOUT, ANSWER_TIMEOUT = 30.0, 120.0
"""Seconds for a connection that a test's own statement makes, and for the answer."""


async def rows_of(port: int, statements: Sequence[str], database: str) -> list[tuple[Any, ...]]:
    """The rows of the last one of some statements, each of which runs in a transaction of its own."""
    timeouts = {"timeout": CONNECT_TIMEOUT, "command_timeout": ANSWER_TIMEOUT}
    connection = await asyncpg.connect(host=HOST, port=port, user=SUPERUSER, database=database, **timeouts)
    rows: list[Any] = []
    try:
        for statement in statements:
            rows = await connection.fetch(statement)
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


class Node(ClusterServer):
    """One server of the cluster."""

    SHUTDOWN = signal.SIGINT
    """A fast shutdown."""

    def __init__(self, installation: Installation, name: str, port: int) -> None:
        super().__init__(installation.work, name, port, POSTGRESQL, SUPERUSER)
        self._installation = installation

    # --- its process ---

    def start(self) -> None:
        """Start it, and wait until it lets clients in."""
        self._run([str(self._installation.binaries / "postgres"), "-D", str(self.data)])

    def halt(self) -> None:
        """End it, whatever state it is in; what it stored does not matter any more."""
        if self._process is None:
            return
        if self._process.is_running:
            self._process.stop(signal.SIGQUIT)
        self._remove_shared_memory()
        self._process = None

    # --- its role ---

    def promote(self) -> None:
        """Make a replica the primary, and wait until it is."""
        self._touch()
        assert self.fetch("SELECT pg_promote(true, 60)") == [(True,)], f"{self} was not promoted"

    def follow(self, primary: Node) -> None:
        """Let a replica stream from another primary, and wait until it does."""
        self._touch()
        self.configure(primary_conninfo=conninfo(self.name, primary.port))
        primary.await_streaming(self)

    def rejoin(self, primary: Node) -> None:
        """Make a former primary, which is not running, a replica of the present one: by `pg_rewind`."""
        self._touch()
        if self.postmaster_pid.exists():  # it was killed: pg_rewind wants a database that ended well
            self.start()
            self.stop()
        source = f"host={HOST} port={primary.port} user={SUPERUSER} dbname=postgres"
        primary.server.execute("CHECKPOINT")  # else pg_rewind may take the old timeline for the present one
        self._installation.run("pg_rewind", "-D", self.data, f"--source-server={source}", "--no-sync")
        self._installation.configure(self.name, self.port, primary.port)
        self.start()
        primary.await_streaming(self)

    def clone(self, primary: Node) -> None:
        """Throw its data away and make it a replica of another one: by `pg_basebackup`."""
        self._touch()
        self.halt()
        shutil.rmtree(self.data)
        primary.execute("CHECKPOINT")  # a server that was just promoted makes one at its leisure, and this waits
        source = f"host={HOST} port={primary.port} user={SUPERUSER}"
        self._installation.run("pg_basebackup", "-D", self.data, "-d", source, "-X", "stream", "-c", "fast", "-N")
        self._installation.configure(self.name, self.port, primary.port)
        self.start()
        primary.await_streaming(self)

    def pause_replay(self) -> None:
        """Let a replica receive and not apply: it lags from now on."""
        self._touch()
        self.server.execute("SELECT pg_wal_replay_pause()")
        self.await_answer("SELECT pg_get_wal_replay_pause_state()", "paused")

    def resume_replay(self) -> None:
        """Let a replica apply what it received."""
        self.server.execute("SELECT pg_wal_replay_resume()")

    def configure(self, **settings: str) -> None:
        """Change settings of the running server, as ALTER SYSTEM does; the next test finds the old ones."""
        self._touch()
        self.server.execute(
            *(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()), "SELECT pg_reload_conf()"
        )

    # --- what it says ---

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each in a transaction of its own."""
        in_own_loop(rows_of(self.port, statements, database))

    def fetch(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return in_own_loop(rows_of(self.port, [statement], database))

    def await_answer(self, statement: str, expected: object) -> None:
        """Wait until the one value of a statement is this."""
        until(lambda: self.fetch(statement) == [(expected,)], f"{self}: {statement} is not {expected}")

    def await_streaming(self, *replicas: Node) -> None:
        """Wait until replicas stream from it."""
        names = ", ".join(f"'{node.name}'" for node in replicas)
        streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND application_name IN"
        self.await_answer(f"{streaming} ({names})", len(replicas))

    @property
    def postmaster_pid(self) -> Path:
        """The file that a server has while it runs, and leaves behind when it is killed."""
        return self.data / "postmaster.pid"

    def _remove_shared_memory(self) -> None:
        """The one segment that a killed server leaves; its next start would reuse it, if there were one."""
        if self.postmaster_pid.exists():
            lines = self.postmaster_pid.read_text(encoding="utf-8").splitlines()
            key = lines[6].split()[1:] if len(lines) > 6 else []
            subprocess.run(["ipcrm", *(f"--shmem-id={one}" for one in key)], check=False, capture_output=True)
