"""A database address taken apart: driver, servers, database and options, its password masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from myfy_data.redaction import MASK, Secret, redact_value
from myfy_data.settings.url_query import address_text, split_hosts


@dataclass(frozen=True, slots=True)
class ConnectionURL:
    """A database address taken apart; `str()` masks the password.

    Attributes:
        driver: SQLAlchemy's driver name, such as `postgresql+asyncpg`.
        derived: whether `driver` was derived from a short name such as `postgres`.
        tls: what `?sslmode=` asked for, in the words of the `tls` setting; taken out of `query`.
        tls_name: what the query calls that option: `sslmode` or `ssl`.
        several: host and port of each server, where several stand in place of the one.
        session_attrs: what `target_session_attrs` says of several servers; taken out of `query` (contract C11.1).
        backend: `sqlite`, `postgresql`, or `mysql` (MariaDB included).
    """

    driver: str
    username: str | None = None
    password: Secret | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    derived: bool = False
    tls: str | None = None
    tls_name: str = ""
    several: tuple[tuple[str | None, int | None], ...] = ()
    session_attrs: str | None = None
    backend: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        name = self.driver.partition("+")[0]
        object.__setattr__(self, "backend", "mysql" if name == "mariadb" else name)

    @property
    def is_memory(self) -> bool:
        """Whether this is SQLite's in-memory database, which lives on one connection."""
        return self.backend == "sqlite" and self.database in (None, "", ":memory:")

    @property
    def hosts(self) -> tuple[tuple[str | None, int | None], ...]:
        """Host and port of each server, in the order in which they are written; mostly one."""
        several: Iterable[tuple[str | None, int | None]] = self.several
        if not several and self.backend == "postgresql" and self.query.get("host"):
            several = split_hosts(self.query["host"])
        if not several:
            return ((self.host, self.port),)
        return tuple((host, port or self.port) for host, port in several)

    @property
    def default_port(self) -> int:
        """The port that the driver takes where none is given."""
        return _PORTS.get(self.backend, 0)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every server as `host:port`, with the driver's port where none is written (contract C11.1)."""
        return tuple(address_text(host or "localhost", port or self.default_port) for host, port in self.hosts)

    @property
    def is_loopback(self) -> bool:
        """Whether the server is this machine, every one if there are several, so that no TLS is needed on the way."""
        socket = self.query.get("unix_socket")
        return all(_is_local(host or socket or "localhost") for host, _ in self.hosts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __str__(self) -> str:
        user = self.username or ""
        secret = f":{MASK}" if self.password is not None else ""
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host or ""
        if self.several:
            host = ",".join(address_text(host or "", port) for host, port in self.hosts)
        port = f":{self.port}" if self.port is not None and not self.several else ""
        query = "?" + "&".join(f"{key}={_shown(key, value)}" for key, value in self.query.items()) if self.query else ""
        at = "@" if user or secret else ""
        return f"{self.driver}://{user}{secret}{at}{host}{port}/{self.database or ''}{query}"


_PORTS = {"postgresql": 5432, "mysql": 3306}


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith(("127.", "/"))


def _shown(key: str, value: object) -> object:
    return MASK if "%" in key else redact_value(key, value)


def server_url(url: ConnectionURL, host: str | None, port: int | None) -> ConnectionURL:
    """The address of one of a profile's servers; all else is as in the whole."""
    query = {key: value for key, value in url.query.items() if key != "host"}
    return replace(url, host=host, port=port, several=(), query=query, session_attrs=None)
