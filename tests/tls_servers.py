"""Servers with TLS of our own, whose certificate a test chooses, and the authority that signs most of them."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from tests.own_servers import HOST, Workspace, find, own_mysql, own_postgresql
from tests.servers import MYSQL, POSTGRESQL, Account, NoServerError, Server

RIGHT, WRONG_NAME, OTHER_AUTHORITY, EXPIRED = "right", "wrong name", "other authority", "expired"
CERTIFICATES = (RIGHT, WRONG_NAME, OTHER_AUTHORITY, EXPIRED)
BAD_FOR_MYSQL = (OTHER_AUTHORITY, EXPIRED)
"""Certificates that MySQL shows when it was started with them, and refuses to change to."""

IS_MARIADB = find("mariadbd") is not None
"""Whether `own_mysql` starts MariaDB, or MySQL in its place."""

_RELOAD_TIMEOUT = 120.0
"""Seconds until PostgreSQL, which reloads in its own time, must have done so."""


@dataclass
class Certificates:
    """A certificate of each kind, and one for a client, as files.

    Attributes:
        folder: where the files stand.
        authority: the file of the authority that signed all but one of them.
    """

    folder: Path
    signed: dict[str, trustme.LeafCert] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ours, other = trustme.CA(), trustme.CA()
        yesterday = datetime.now(UTC) - timedelta(days=1)
        self.authority = self.folder / "ca.crt"
        ours.cert_pem.write_to_path(self.authority)
        self.signed = {
            RIGHT: ours.issue_cert(HOST, "localhost"),
            WRONG_NAME: ours.issue_cert("db.elsewhere"),
            OTHER_AUTHORITY: other.issue_cert(HOST),
            EXPIRED: ours.issue_cert(HOST, not_before=yesterday - timedelta(days=1), not_after=yesterday),
        }
        client = ours.issue_cert("app.internal", common_name="app")
        client.cert_chain_pems[0].write_to_path(self.folder / "client.crt")
        client.private_key_pem.write_to_path(self.folder / "client.key")

    def write(self, name: str, work: Path) -> None:
        """Write a certificate and its key to where a server looks for them; their owner is the directory's."""
        leaf, owner = self.signed[name], work.stat()
        for path, blob in (
            (work / "server.crt", leaf.cert_chain_pems[0]),
            (work / "server.key", leaf.private_key_pem),
            (work / "ca.crt", None),
        ):
            if blob is None:
                shutil.copyfile(self.authority, path)
            else:
                blob.write_to_path(path)
            path.chmod(0o600)
            shutil.chown(path, owner.st_uid, owner.st_gid)


@dataclass
class TLSServer:
    """A server that speaks TLS, with a certificate that can be changed while it runs.

    Attributes:
        server: the server.
        certificates: what it may show.
        shown: the certificate that it shows now; None while TLS is off.
    """

    server: Server
    certificates: Certificates
    work: Path
    shown: str | None = RIGHT

    def show(self, name: str | None) -> None:
        """Show this certificate from now on; None switches TLS off, which only PostgreSQL can while it runs."""
        if name == self.shown:
            return
        if name is not None:
            self.certificates.write(name, self.work)
        if self.server.kind is POSTGRESQL:
            self.server.execute(f"ALTER SYSTEM SET ssl = {'off' if name is None else 'on'}", "SELECT pg_reload_conf()")
            self._await(name)
        else:
            self.server.execute("FLUSH SSL" if IS_MARIADB else "ALTER INSTANCE RELOAD TLS")
        self.shown = name

    def _await(self, name: str | None) -> None:
        wanted = None if name is None else self.certificates.signed[name].cert_chain_pems[0].bytes().decode()
        deadline = time.monotonic() + _RELOAD_TIMEOUT
        while shown_by_postgresql(self.server.account.port) != wanted:
            assert time.monotonic() < deadline, "PostgreSQL does not reload"
            time.sleep(0.01)

    def url(self, database: str = "") -> str:
        """The URL of a database of the server, by its address."""
        return self.server.url(database or {"postgresql": "postgres", "mysql": "mysql"}[self.server.kind.name])


def shown_by_postgresql(port: int) -> str | None:
    """The certificate that a PostgreSQL server shows to new connections; None when it offers no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((HOST, port), timeout=30) as plain:
        plain.sendall(struct.pack("!ii", 8, 80877103))  # SSLRequest
        if plain.recv(1) != b"S":
            return None
        with context.wrap_socket(plain) as line:
            shown = line.getpeercert(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(shown) if shown else None


@contextmanager
def tls_postgresql(certificates: Certificates) -> Iterator[TLSServer]:
    """A PostgreSQL server that begins with the right certificate.

    Raises:
        NoServerError: no PostgreSQL is installed.
    """
    places: list[Path] = []

    def options(work: Workspace) -> list[str]:
        places.append(work.path)
        certificates.write(RIGHT, work.path)
        files = {"cert": "server.crt", "key": "server.key", "ca": "ca.crt"}
        said = [f"ssl_{key}_file={work.path / name}" for key, name in files.items()]
        return [part for setting in said for part in ("-c", setting)]

    with own_postgresql(options) as started:
        if started is None:
            raise NoServerError(POSTGRESQL.install)
        server = Server(POSTGRESQL, Account(*started))
        server.await_login()
        secured = TLSServer(server, certificates, places[0], shown=None)
        secured.show(RIGHT)
        yield secured


@contextmanager
def tls_mariadb(certificates: Certificates, shown: str = RIGHT) -> Iterator[TLSServer]:
    """A MariaDB server that begins with this certificate.

    Raises:
        NoServerError: no MariaDB is installed.
    """
    places: list[Path] = []

    def options(work: Workspace) -> list[str]:
        places.append(work.path)
        certificates.write(shown, work.path)
        return [f"--ssl-{key}={work.path / name}" for key, name in _MARIADB_FILES.items()]

    with _mariadb(options) as server:
        yield TLSServer(server, certificates, places[0], shown)


_MARIADB_FILES = {"cert": "server.crt", "key": "server.key", "ca": "ca.crt"}


@contextmanager
def plain_mariadb() -> Iterator[Server]:
    """A MariaDB server that offers no TLS.

    Raises:
        NoServerError: no MariaDB is installed.
    """
    with _mariadb(lambda _: ["--skip-ssl" if IS_MARIADB else "--tls-version="]) as server:
        yield server


@contextmanager
def _mariadb(options: Callable[[Workspace], list[str]]) -> Iterator[Server]:
    with own_mysql(options) as started:
        if started is None:
            raise NoServerError(MYSQL.install)
        server = Server(MYSQL, Account(*started))
        server.await_login()
        yield server
