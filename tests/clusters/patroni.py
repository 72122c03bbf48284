"""Three PostgreSQL servers that Patroni manages, with etcd: it elects the leader, promotes, and takes servers back."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clusters.installation import SUPERUSER
from tests.clusters.node import rows_of
from tests.clusters.packages import SYSTEM_PYTHON, program, python_packages
from tests.clusters.processes import parent_of
from tests.clusters.waiting import until
from tests.clusters.wires import Wires
from tests.own_servers import HOST, Workspace, free_port, in_memory, postgresql_binaries, workspace
from tests.servers import POSTGRESQL, Account, NoServerError, Server, in_own_loop

NAMES = ("p1", "p2", "p3")
_ROOM = 2 * 1024**3
_REQUIREMENTS = ("patroni[etcd3]==4.1.5", "psycopg[binary]")

TTL, LOOP_WAIT, RETRY = 20, 5, 6
"""Seconds, as small as Patroni takes them: a leader that is gone is replaced after the first."""

_CONFIG = {
    "bootstrap": {
        "dcs": {
            "ttl": TTL,
            "loop_wait": LOOP_WAIT,
            "retry_timeout": RETRY,
            "synchronous_mode": True,
            "postgresql": {"use_pg_rewind": True, "parameters": {"wal_log_hints": "on", "max_connections": 100}},
        },
        "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth-host": "trust"}, {"auth-local": "trust"}],
    },
    "tags": {},
}


class PatroniNode:
    """One server, and the Patroni that keeps it.

    Attributes:
        name: its name in the cluster.
        port: where the server listens; what it says of itself.
        rest: the same of Patroni.
        outer: where clients and the other servers reach the server.
        outer_rest: where others reach Patroni.
    """

    def __init__(self, work: Workspace, name: str) -> None:
        self.name = name
        self.port, self.rest, self.outer, self.outer_rest = (free_port() for _ in range(4))
        self.server = Server(POSTGRESQL, Account(HOST, self.port, SUPERUSER))
        self._work = work
        self._process: subprocess.Popen[Any] | None = None
        self._wires = Wires({})

    def __repr__(self) -> str:
        return f"<{self.name} at {self.address}>"

    @property
    def address(self) -> str:
        """Host and port, as `hosts` has them."""
        return f"{HOST}:{self.outer}"

    @property
    def is_running(self) -> bool:
        """Whether its Patroni has not ended."""
        return self._process is not None and self._process.poll() is None

    def configure(self, etcd: int, binaries: Path) -> None:
        """Write what its Patroni reads, and lay its wires: to others it goes by them, and others to it."""
        way = free_port()
        self._wires = Wires({self.outer: self.port, self.outer_rest: self.rest, way: etcd})
        self._wires.start()
        own = {
            "scope": "test",
            "name": self.name,
            "restapi": {"listen": f"{HOST}:{self.rest}", "connect_address": f"{HOST}:{self.outer_rest}"},
            "etcd3": {"hosts": [f"{HOST}:{way}"], "use_proxies": True},  # else it goes where etcd says that it is
            "postgresql": {
                "listen": f"{HOST}:{self.port}",
                "connect_address": self.address,
                "data_dir": str(self._work.path / self.name),
                "bin_dir": str(binaries),
                "pgpass": str(self._work.path / f"{self.name}.pass"),
                "authentication": {name: {"username": SUPERUSER} for name in ("superuser", "replication", "rewind")},
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
                "parameters": {"unix_socket_directories": "", "fsync": "off", "shared_buffers": "16MB"},
            },
        }
        self._work.write(f"{self.name}.yml", json.dumps({**_CONFIG, **own}))  # JSON is YAML

    def start(self, packages: Path) -> None:
        """Start its Patroni, which makes its server or brings it back."""
        command = ["env", f"PYTHONPATH={packages}", SYSTEM_PYTHON, "-m", "patroni", f"{self.name}.yml"]
        self._process = self._work.spawn(command, self._work.path / f"{self.name}.log")

    def kill(self) -> None:
        """The machine is gone: Patroni and the server end at once."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def freeze(self) -> None:
        """The machine hangs: it accepts connections, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def cut(self) -> None:
        """Its network is gone: neither clients nor the other servers nor etcd hear of it, and it hears of nobody."""
        self._wires.cut()

    def resume(self) -> None:
        """The machine goes on where it was, and so does its network."""
        self._signal(signal.SIGCONT)
        self._wires.mend()

    def stop(self) -> None:
        """End Patroni and its server, whatever state they are in."""
        self.resume()
        self.kill()
        self._wires.end()

    def is_leader(self) -> bool:
        """Whether Patroni made it the leader, and its server takes writes."""
        return self._status("primary")

    def is_replica(self) -> bool:
        """Whether it streams."""
        return self._status("replica")

    def is_synchronous(self) -> bool:
        """Whether Patroni may make it the leader: it says so a moment after the server does."""
        return self._status("synchronous")

    def _status(self, what: str) -> bool:
        with contextlib.suppress(OSError, urllib.error.URLError):
            return bool(urllib.request.urlopen(f"http://{HOST}:{self.rest}/{what}", timeout=1).status == 200)
        return False

    def switch_over(self, candidate: PatroniNode) -> bool:
        """Ask for another leader, as `patronictl switchover` does; whether Patroni did it."""
        body = json.dumps({"leader": self.name, "candidate": candidate.name}).encode()
        request = urllib.request.Request(f"http://{HOST}:{self.rest}/switchover", body)
        try:
            return bool(urllib.request.urlopen(request, timeout=60).status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def fetch(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        return in_own_loop(rows_of(self.port, [statement], database))

    def _signal(self, what: signal.Signals) -> None:
        own = [self._process.pid] if self._process is not None and self._process.poll() is None else []
        for pid in (*own, *self._servers()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def _servers(self) -> Iterator[int]:
        """The server's processes, the first one first; Patroni is not their parent."""
        file = self._work.path / self.name / "postmaster.pid"
        with contextlib.suppress(OSError, IndexError):
            first = int(file.read_text(encoding="utf-8").splitlines()[0])
            if f"/{self.name}\0" not in Path(f"/proc/{first}/cmdline").read_text(encoding="utf-8").replace(" ", "\0"):
                return  # the number is another program's by now
            yield first
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and parent_of(int(entry.name)) == first:
                    yield int(entry.name)


class PatroniCluster:
    """The three of them, and etcd."""

    def __init__(self, work: Workspace, binaries: Path) -> None:
        self.nodes = [PatroniNode(work, name) for name in NAMES]
        self.work = work
        self._binaries = binaries
        self._etcd: subprocess.Popen[Any] | None = None

    @property
    def addresses(self) -> list[str]:
        """All of them, as `hosts` takes them."""
        return [node.address for node in self.nodes]

    def leader(self) -> PatroniNode | None:
        """The one that takes writes now."""
        return next((node for node in self.nodes if node.is_leader()), None)

    def start(self) -> None:
        """Start etcd, then all of them, and wait until two replicas stream from the leader."""
        packages = self.work.path / "patroni"
        if not packages.exists():  # where the account that runs it may read it
            shutil.copytree(python_packages("patroni", *_REQUIREMENTS), packages)
        etcd, client, peer = program("etcd", "etcd-server")[0], free_port(), free_port()
        data = f"etcd-{secrets.token_hex(4)}"
        ours, theirs = f"http://{HOST}:{client}", f"http://{HOST}:{peer}"
        copied = self.work.path / "etcd"
        if not copied.exists():
            shutil.copy(etcd, copied)
        command = [str(copied), "--name", "e1", "--data-dir", data, "--unsafe-no-fsync", "--log-level", "error"]
        command += ["--listen-client-urls", ours, "--advertise-client-urls", ours]
        command += ["--listen-peer-urls", theirs, "--initial-advertise-peer-urls", theirs]
        command += ["--initial-cluster", f"e1={theirs}"]
        self._etcd = self.work.spawn(command, self.work.path / "etcd.log")
        for node in self.nodes:
            node.configure(client, self._binaries)
            node.start(packages)
        self.await_whole()

    def await_whole(self) -> None:
        """Wait until there is a leader, and two replicas stream, one of them synchronously."""
        until(self._is_whole, "Patroni does not come up", 240.0)

    def await_leader(self, nodes: Sequence[PatroniNode] = (), seconds: float = 120.0) -> PatroniNode:
        """Wait until one of these, by default of all, is the leader."""
        found: list[PatroniNode] = []

        def is_led() -> bool:
            found.extend(node for node in nodes or self.nodes if node.is_leader())
            return bool(found)

        until(is_led, "there is no leader", seconds)
        return found[0]

    def heal(self) -> PatroniNode:
        """All three as they should be, whatever a test did to them; the leader, whichever that is now."""
        for node in self.nodes:
            node.resume()
            if not node.is_running:
                node.start(self.work.path / "patroni")
        self.await_whole()
        return self.await_leader()

    def _is_whole(self) -> bool:
        leader = self.leader()
        if leader is None or sum(node.is_replica() for node in self.nodes) != 2:
            return False
        states = leader.fetch("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        return len(states) == 2 and ("sync",) in states and any(node.is_synchronous() for node in self.nodes)

    def halt(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.stop()
        if self._etcd is not None and self._etcd.poll() is None:
            self._etcd.kill()
            self._etcd.wait()


@contextmanager
def patroni_cluster() -> Iterator[PatroniCluster]:
    """A cluster of three, which ends with the block.

    Raises:
        NoServerError: PostgreSQL, etcd or Patroni cannot be had.
    """
    with workspace("postgres", in_memory(_ROOM)) as work:
        binaries = postgresql_binaries(work)
        if binaries is None:
            raise NoServerError("no PostgreSQL: install it (Debian: apt-get install postgresql)")
        cluster = PatroniCluster(work, binaries)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.halt()
