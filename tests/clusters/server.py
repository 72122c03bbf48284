"""One server of a cluster, whichever database it is: its process, and whether a test changed it."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from tests.clusters.processes import ServerProcess
from tests.own_servers import HOST, Workspace
from tests.servers import Account, Server, ServerKind


class ClusterServer:
    """A server that tests stop, kill and freeze.

    Attributes:
        name: its name in the cluster.
        port: where clients connect.
        data: its data directory.
        server: the same for tests that only connect.
        is_touched: a test changed it, so that a reset of the cluster has something to do.
    """

    SHUTDOWN = signal.SIGTERM
    """How it is told to end in peace."""

    def __init__(self, work: Workspace, name: str, port: int, kind: ServerKind, user: str) -> None:
        self.name = name
        self.port = port
        self.data = work.path / name
        self.server = Server(kind, Account(HOST, port, user))
        self.is_touched = False
        self._work = work
        self._process: ServerProcess | None = None

    def __repr__(self) -> str:
        return f"<{self.name} at {self.address}>"

    @property
    def address(self) -> str:
        """Host and port, as `hosts` has them."""
        return f"{HOST}:{self.port}"

    def url(self, database: str) -> str:
        """The URL of a database of this one server."""
        return self.server.url(database)

    @property
    def is_running(self) -> bool:
        """Whether its process has not ended; a frozen one has not."""
        return self._process is not None and self._process.is_running

    @property
    def is_away(self) -> bool:
        """Whether it has ended, or is frozen."""
        return self._process is None or self._process.is_away

    def stop(self) -> None:
        """A shutdown, as an administrator's; clients are told."""
        self._touch().stop(self.SHUTDOWN)

    def kill(self) -> None:
        """A crash: all of its processes end at once."""
        self._touch().kill()

    def freeze(self) -> None:
        """A machine that hangs: it accepts connections and answers nothing."""
        self._touch().freeze()

    def resume(self) -> None:
        """The machine goes on where it was, unaware of the time that passed."""
        self._touch().resume()

    def halt(self) -> None:
        """End it, whatever state it is in; what it stored does not matter any more."""
        if self._process is not None and self._process.is_running:
            self._process.kill()
        self._process = None

    def _run(self, command: Sequence[str]) -> None:
        """Start it, and wait until it lets clients in."""
        self._process = ServerProcess(self._work.spawn(command, self._work.log))
        self.server.await_login()

    def _touch(self) -> ServerProcess:
        """Note that the cluster is no longer as it was made."""
        self.is_touched = True
        assert self._process is not None, f"{self} was never started"
        return self._process
