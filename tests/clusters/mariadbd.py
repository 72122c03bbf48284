"""One MariaDB server of a cluster, whatever it replicates by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql

from tests.clusters.server import ClusterServer
from tests.own_servers import HOST, Workspace, find
from tests.servers import MYSQL

TIMEOUT = 60
"""Seconds for a connection that a test's own statement makes, and for the answer."""


class MariaServer(ClusterServer):
    """What a replica by GTID and a node of Galera have in common."""

    def __init__(self, work: Workspace, name: str, port: int) -> None:
        super().__init__(work, name, port, MYSQL, "root")

    def install(self) -> None:
        """Make its data directory."""
        places = [f"--datadir={self.data}", f"--tmpdir={self._work.path}", "--innodb-log-file-size=8M"]
        install = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin"]
        self._work.run(find("mariadb-install-db") or "mariadb-install-db", "--no-defaults", *places, *install)

    def fetch(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with self._connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    @contextmanager
    def _connect(self, database: str | None = None) -> Iterator[Any]:
        options: Any = {"autocommit": True, "connect_timeout": TIMEOUT, "read_timeout": TIMEOUT}
        with pymysql.connect(host=HOST, port=self.port, user="root", database=database, **options) as connection:
            yield connection

    def _command(self, *more: str) -> list[str]:
        home = self._work.path
        places = [f"--datadir={self.data}", f"--tmpdir={home}", f"--socket={home / self.name}.sock"]
        own = [f"--pid-file={home / self.name}.pid", "--innodb-log-file-size=8M", f"--server-id={self.port}"]
        return [str(find("mariadbd")), "--no-defaults", *places, *own, *more]
