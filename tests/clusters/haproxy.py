"""HAProxy, and PgBouncer, in front of servers that Patroni manages."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.clusters.packages import program
from tests.clusters.patroni import PatroniCluster
from tests.own_servers import HOST, find, free_port, workspace
from tests.servers import NoServerError

PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing1", "libopentracing-c-wrapper0")

_HAPROXY = """
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
"""

_LISTEN = """
listen {name}
    bind {host}:{port}
    option httpchk OPTIONS {check}
    http-check expect status 200
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
"""
"""Without the last words, clients keep a server that is not the leader any more."""

_PGBOUNCER = """
[databases]
* = host={host} port={server} user=postgres

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
server_login_retry = 1
query_wait_timeout = 5
"""


@dataclass(frozen=True)
class Doors:
    """Where clients find the leader, and a replica."""

    primary: str
    replicas: str


@contextmanager
def haproxy(cluster: PatroniCluster) -> Iterator[Doors]:
    """An HAProxy that asks Patroni which server is the leader, and which are replicas.

    Raises:
        NoServerError: it cannot be had.
    """
    binary, libraries = program("haproxy", *PACKAGES)
    with workspace("postgres") as work:
        command = [str(shutil.copy(binary, work.path / "haproxy")), "-f", "haproxy.cfg", "-db"]
        if libraries is not None:
            shutil.copytree(libraries, work.path / "lib")
            command = ["env", f"LD_LIBRARY_PATH={work.path / 'lib'}", *command]
        ports = {"primary": free_port(), "replica": free_port()}
        text = _HAPROXY
        for name, port in ports.items():
            text += _LISTEN.format(name=name, host=HOST, port=port, check=f"/{name}")
            text += "".join(
                f"    server {one.name} {one.address} check port {one.outer_rest}\n" for one in cluster.nodes
            )
        work.write("haproxy.cfg", text)
        with work.daemon(command, ports["primary"], signal.SIGTERM):
            yield Doors(f"{HOST}:{ports['primary']}", f"{HOST}:{ports['replica']}")


@contextmanager
def pgbouncers(doors: Doors) -> Iterator[Doors]:
    """A PgBouncer before each door.

    Raises:
        NoServerError: it is not installed.
    """
    if find("pgbouncer") is None:
        raise NoServerError("no pgbouncer: install it (Debian: apt-get install pgbouncer)")
    with ExitStack() as stack:
        yield Doors(*(stack.enter_context(_pgbouncer(door)) for door in (doors.primary, doors.replicas)))


@contextmanager
def _pgbouncer(door: str) -> Iterator[str]:
    with workspace("postgres") as work:
        port = free_port()
        work.write("pgbouncer.ini", _PGBOUNCER.format(host=HOST, server=door.rpartition(":")[2], port=port))
        with work.daemon([str(find("pgbouncer")), "pgbouncer.ini"], port, signal.SIGTERM):
            yield f"{HOST}:{port}"
