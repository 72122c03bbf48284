"""A cluster of two MariaDB nodes that replicate to each other by Galera, for tests that kill one of them.

Two nodes have no majority when one is lost: the other one answers, and refuses every statement that matters.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

from tests.own_servers import HOST, find, free_port, workspace
from tests.servers import MYSQL, Account, NoServerError, Server

LIBRARIES = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera/libgalera_smm.so", "/usr/lib/libgalera_smm.so")
NEEDED = ("mariadb-install-db", "mariadbd", "rsync", "wsrep_sst_rsync")
IMPATIENT = (
    "gcache.size=8M;evs.keepalive_period=PT0.2S;evs.inactive_check_period=PT0.2S;evs.suspect_timeout=PT2S;"
    "evs.inactive_timeout=PT4S;evs.install_timeout=PT4S"
)
JOIN_TIMEOUT = 180.0
"""Seconds until a node must have joined and copied the data."""


@dataclass(frozen=True)
class Cluster:
    """Both nodes.

    Attributes:
        first: the server that tests use.
        second: the other one.
        victim: the second one's process.
    """

    first: Server
    second: Server
    victim: subprocess.Popen[Any]

    def cut(self) -> None:
        """Kill the second node as a power cut does."""
        self.victim.kill()
        self.victim.wait()

    def lose_majority(self) -> None:
        """Kill the second node, and wait until the first has noticed."""
        self.cut()
        await_status(self.first, "wsrep_ready", "OFF")


@contextmanager
def galera_cluster() -> Iterator[Cluster]:
    """Two nodes, both of them synchronised.

    Raises:
        NoServerError: something that it takes is not installed.
    """
    library = galera_library()
    ports = [free_port() for _ in range(8)]
    with ExitStack() as stack:
        (first, _) = stack.enter_context(_node(library, ports[:4], ""))
        (second, victim) = stack.enter_context(_node(library, ports[4:], f"{HOST}:{ports[1]}"))
        yield Cluster(first, second, victim)


@contextmanager
def _node(library: str, ports: list[int], cluster: str) -> Iterator[tuple[Server, subprocess.Popen[Any]]]:
    with workspace("mysql") as work:
        places = [f"--datadir={work.path / 'data'}", f"--tmpdir={work.path}", "--innodb-log-file-size=8M"]
        if cluster:  # a node that joins gets everything from the other node
            work.run("mkdir", work.path / "data")
        else:
            install = ["--auth-root-authentication-method=normal", "--skip-test-db"]
            work.run(_program("mariadb-install-db"), "--no-defaults", *places, *install)
        places += [f"--socket={work.path / 'm.sock'}", f"--pid-file={work.path / 'pid'}"]
        command = [str(_program("mariadbd")), "--no-defaults", *places, *group_options(library, ports, cluster)]
        with work.daemon(command, ports[0], signal.SIGTERM) as process:
            server = Server(MYSQL, Account(HOST, ports[0], "root"))
            server.await_login()
            await_status(server, "wsrep_local_state_comment", "Synced")
            if cluster:  # statements here find what was committed there
                server.execute("SET GLOBAL wsrep_sync_wait = 15")
            yield server, process


def galera_library() -> str:
    """Where Galera is.

    Raises:
        NoServerError: something that it takes is not installed.
    """
    library = next((path for path in LIBRARIES if Path(path).exists()), None)
    if library is None or any(find(program) is None for program in NEEDED):
        raise NoServerError("no Galera: install galera-4, mariadb-server and rsync (Debian's names)")
    return library


def group_options(library: str, ports: list[int], cluster: str) -> list[str]:
    """What a node is told of its cluster.

    Args:
        library: Galera's.
        ports: four of its own: for SQL, the group, and transfers of changes and of everything.
        cluster: the groups' addresses of nodes that are there, with commas; empty to make a new cluster.
    """
    sql, group, transfer, state = ports
    return [
        f"--port={sql}",
        f"--bind-address={HOST}",
        "--innodb-flush-log-at-trx-commit=0",
        "--binlog-format=ROW",
        "--innodb-autoinc-lock-mode=2",
        "--wsrep-on=ON",
        f"--wsrep-provider={library}",
        f"--wsrep-cluster-address=gcomm://{cluster}",
        f"--wsrep-node-address={HOST}:{group}",
        f"--wsrep-provider-options=base_host={HOST};base_port={group};ist.recv_addr={HOST}:{transfer};{IMPATIENT}",
        "--wsrep-sst-method=rsync",
        f"--wsrep-sst-receive-address={HOST}:{state}",
    ]


def _program(name: str) -> Path:
    found = find(name)
    assert found is not None, name
    return found


def await_status(server: Server, name: str, value: str) -> None:
    """Wait until a node says so of itself."""
    deadline = time.monotonic() + JOIN_TIMEOUT
    while (found := status_of(server, name)) != value:
        assert time.monotonic() < deadline, f"{name} is {found}, not {value}"
        time.sleep(0.1)


def status_of(server: Server, name: str) -> str:
    """What a node says of itself; a node that is being set up says nothing."""
    account = server.account
    try:
        with pymysql.connect(host=account.host, port=account.port, user=account.user, connect_timeout=3) as connection:
            cursor = connection.cursor()
            cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name = %s", (name,))
            return str(dict(cursor.fetchall()).get(name))
    except pymysql.MySQLError as error:
        return repr(error)
