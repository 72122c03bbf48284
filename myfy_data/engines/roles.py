"""Alive, and yet of no use: servers that refuse every write, such as a primary that became a replica (ADR 0015).

Such a server answers pings, so nothing else would ever let go of it. The next checkout connects anew, because after a
failover the same address may lead to another server.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

from myfy_data.engines.backend import READ_ONLY, Backend
from myfy_data.engines.cluster import UNKNOWN_COMMAND, is_outside_cluster
from myfy_data.engines.deadlines import phase_of
from myfy_data.engines.failures import chain
from myfy_data.engines.pool import BoundedPool

logger = logging.getLogger("myfy_data")

_REFUSAL_STATE = "25006"
"""SQLSTATE of PostgreSQL: read-only transaction; what a standby says, too."""

_READ_ONLY_MODE = 1836
_OPTION_PREVENTS = 1290
"""MySQL's numbers. The last has other meanings as well, which its words tell."""

_WORDS = ("read-only", "read_only")

_WRITES = re.compile(r"\s*(insert|update|delete|merge|replace)\b", re.IGNORECASE)

VERSION_AND_ROLE = {
    "sqlite": "SELECT sqlite_version()",
    "postgresql": "SELECT current_setting('server_version'), current_setting('transaction_read_only')",
    "mysql": "SELECT version(), @@global.read_only, @@global.innodb_read_only",
}
"""The version, then what must be off for the server to take writes. A standby's transactions are read-only as well."""

Ask = Callable[[str], Awaitable[Sequence[Any]]]

_CLUSTER = "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_provider_name')"


class Role:
    """Whether the server behind an engine takes writes, as far as is known.

    Learned from its refusals, from writes that succeed, and from probes. A profile or a session that is read-only by
    our own will says nothing about the server.

    Attributes:
        is_writable: False from a refusal until a write succeeds or a probe says otherwise.
    """

    def __init__(self, engine: Engine, backend: Backend) -> None:
        self._engine = engine
        self._backend = backend
        self._watches_writes = False
        self.is_writable = True
        if self.matters:
            event.listen(engine, "handle_error", self._hear)

    @property
    def matters(self) -> bool:
        """Whether the profile wants to write to a server that may refuse."""
        settings = self._backend.settings
        return not settings.read_only and settings.url.backend != "sqlite"

    def note(self, *, writable: bool) -> None:
        """Take note of what the server does with writes."""
        if writable == self.is_writable:
            return
        self.is_writable = writable
        if writable:
            logger.info("profile %r: %s takes writes again", self._backend.profile, self._backend.address)
        else:
            message = "profile %r: %s refuses writes; every connection is replaced at its next use"
            logger.warning(message, self._backend.profile, self._backend.address)
            self._watch_writes()
        # At the end as well: what was opened meanwhile may lead to the server that still refuses.
        if isinstance(self._engine.pool, BoundedPool):
            self._engine.pool.evict()

    def _hear(self, context: ExceptionContext) -> None:
        number = refusal(context.original_exception)
        connection = context.connection
        if number is None or connection is None or _is_reading(connection):
            return
        if number == UNKNOWN_COMMAND:
            _give_up(context, connection)
        elif not self.is_writable and not connection.invalidated:
            connection.connection.invalidate(soft=True)  # only this one: the others were replaced
        self.note(writable=False)

    def _watch_writes(self) -> None:
        # Only from the first refusal on: it costs a call for each statement.
        if not self._watches_writes:
            self._watches_writes = True
            event.listen(self._engine, "after_cursor_execute", self._see)

    def _see(self, connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if not self.is_writable and _WRITES.match(statement) and not _is_reading(connection):
            self.note(writable=True)

    async def probe(self, ask: Ask, answers: Sequence[Any]) -> bool | None:
        """Whether the server takes writes, and take note of it; None where it does not matter.

        Args:
            ask: runs a SELECT where `answers` come from, and gives its rows.
            answers: to `VERSION_AND_ROLE`, without the version.
        """
        if not self.matters:
            return None
        writable = all(_is_off(answer) for answer in answers)
        if writable and self._backend.settings.url.backend == "mysql":
            cluster = {row[0]: row[1] for row in await ask(_CLUSTER)}
            writable = not cluster.get("wsrep_provider_name") or cluster.get("wsrep_ready") == "ON"
        self.note(writable=writable)
        return writable


def _give_up(context: ExceptionContext, connection: Connection) -> None:
    """Let go of a connection on which a ROLLBACK would be refused as well, and hide the error."""
    if phase_of(context.original_exception) == "commit":
        connection.invalidate()  # not told as a lost connection: it is known that nothing was committed
    else:
        context.is_disconnect, context.invalidate_pool_on_disconnect = True, False


def refusal(error: BaseException | None) -> str | int | None:
    """The SQLSTATE or number by which a server refused because it takes no writes; None for any other error."""
    return next(_refusals(error), None) if error is not None else None


def _refusals(error: BaseException) -> Iterator[str | int]:
    for item in chain(error):
        if getattr(item, "sqlstate", None) == _REFUSAL_STATE:
            yield _REFUSAL_STATE
        number = item.args[0] if item.args else None
        if number == _READ_ONLY_MODE and len(item.args) > 1:
            yield _READ_ONLY_MODE
        elif number == _OPTION_PREVENTS and any(word in str(item.args).lower() for word in _WORDS):
            yield _OPTION_PREVENTS
        elif is_outside_cluster(item):
            yield UNKNOWN_COMMAND


def _is_reading(connection: Connection) -> bool:
    options = connection.get_execution_options()
    return bool(options.get(READ_ONLY) or options.get("postgresql_readonly"))


def _is_off(answer: object) -> bool:
    return str(answer).lower() in ("off", "0", "false")
