"""Faults of the network on purpose, at a statement that a test names (contract C13.3)."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, get_args

from myfy_data.errors import ConfigError, Problem
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.validation.version_tables import PORTS
from myfy_data.testing.proxy import Address, Connection, Proxy
from myfy_data.testing.running import FIX

Kind = Literal["lose_answer", "black_hole", "reset", "delay"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(slots=True, eq=False)
class Rule:
    """What happens at a statement, once.

    Attributes:
        point: how the statement begins, such as `COMMIT`.
        kind: what happens.
        seconds: how long a delay takes.
        fired: whether it has happened.
    """

    point: str
    kind: str
    seconds: float
    fired: bool = False

    def matches(self, sql: str) -> bool:
        """Whether the statement is the one that is meant."""
        return re.match(rf"\s*{re.escape(self.point)}\b", sql, re.IGNORECASE) is not None


class Faults:
    """What stands between a profile and its server inside a block.

    Args:
        proxy: what the connections go through.
        enter: has the profile's engines connect through a port of this machine.
        leave: has them connect to the server again.
    """

    def __init__(self, proxy: Proxy, enter: Callable[[int], None], leave: Callable[[], None]) -> None:
        self._proxy = proxy
        self._enter, self._leave = enter, leave
        self._rules: list[Rule] = []
        self._over = threading.Event()

    def at(self, point: str, kind: Kind, *, seconds: float = 1.0) -> None:
        """Have something happen at the next statement that begins so.

        Args:
            point: the beginning of the statement, such as `COMMIT` or `INSERT INTO items`.
            kind: `lose_answer`: the server does it, and its answer never comes; `black_hole`: nothing goes through
                any more; `reset`: the connection is closed before the server gets it; `delay`: it comes later.
            seconds: how much later.

        Raises:
            ConfigError: there is no such kind.
        """
        if kind not in KINDS:
            message = f"expected one of {', '.join(KINDS)}, got {kind!r}"
            raise ConfigError([Problem("argument", "kind", message, fix='faults.at("COMMIT", "lose_answer")')])
        self._rules.append(Rule(point, kind, seconds))

    def __enter__(self) -> Faults:
        self._enter(self._proxy.start(self._hear))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._leave()
        self._proxy.close()
        idle = [f'at("{rule.point}", "{rule.kind}")' for rule in self._rules if not rule.fired]
        if idle and error is None:
            raise AssertionError(f"these faults did not fire: {', '.join(idle)}")

    def _hear(self, connection: Connection, sql: str, message: bytes) -> None:
        """A statement is on its way to the server."""
        rule = next((rule for rule in self._rules if not rule.fired and rule.matches(sql)), None)
        if rule is None:
            connection.to_server(message)
            return
        rule.fired = True
        if rule.kind == "reset":
            connection.reset()
        elif rule.kind == "black_hole":
            connection.is_silent = True
        elif rule.kind == "lose_answer":
            connection.loses_answer = True
            connection.to_server(message)
        else:
            self._over.wait(rule.seconds)
            with suppress(OSError):
                connection.to_server(message)


def check_faults(profile: str, settings: DatabaseSettings, isolation: str | None) -> None:
    """Refuse where nothing can stand in between, or where a lost connection would be a lost test.

    Raises:
        ConfigError: says which.
    """
    key = f"profiles.{profile}"
    if settings.url.backend == "sqlite":
        raise ConfigError(
            [Problem("", key, "is a file, and no network leads there", fix='data.refuse(sqlstate="40001")')]
        )
    if isolation != "database":
        message = "faults need a database of the test's own: what a lost connection has done must be seen afterwards"
        raise ConfigError([Problem("mark", key, message, fix=FIX)])
    if settings.tls_mode not in ("disable", "prefer"):
        message = f"tls is {settings.tls_mode!r}, so nobody in between can read which statement passes"
        raise ConfigError([Problem("", f"{key}.tls", message, fix='tls = "disable"')])


def server_address(settings: DatabaseSettings) -> Address:
    """Where the server of a profile listens: the first one, if there are several."""
    url = settings.url
    host, port = url.hosts[0]
    port = port or PORTS[url.backend]
    path = url.query.get("unix_socket")
    if path or (host or "").startswith("/"):
        return path or f"{host}/.s.PGSQL.{port}"
    return host or "localhost", port
