"""Where a cluster's servers stand, and what each of them is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.own_servers import HOST, Workspace

SUPERUSER = "postgres"

_QUICK = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
max_connections = 100
max_wal_senders = 10
wal_keep_size = 64MB
wal_log_hints = on
wal_retrieve_retry_interval = 100ms
wal_receiver_status_interval = 1s
dynamic_shared_memory_type = mmap
"""
"""Nothing waits for the disk, a replica tries again at once, and a killed server leaves no shared memory behind."""


@dataclass
class Installation:
    """The programs and the directory that the servers share.

    Attributes:
        work: the directory of all servers, and the account that runs them.
        binaries: where PostgreSQL's programs stand.
    """

    work: Workspace
    binaries: Path

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of PostgreSQL's programs to its end."""
        self.work.run(self.binaries / program, *arguments)

    def configure(self, name: str, port: int, primary_port: int | None) -> None:
        """Write a server's own settings; with a primary to follow it is a replica."""
        own = f"port = {port}\n"
        if primary_port is not None:
            own += f"primary_conninfo = '{conninfo(name, primary_port)}'\n"
            self.work.write(f"{name}/standby.signal", "")
        self.work.write(f"{name}/postgresql.conf", _QUICK + own)


def conninfo(name: str, primary_port: int) -> str:
    """How a replica reaches its primary."""
    return f"host={HOST} port={primary_port} user={SUPERUSER} application_name={name}"
