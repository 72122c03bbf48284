"""Servers that answer and refuse every write, such as a primary that became a replica (ADR 0015).

Such a server answers pings, so nothing else would ever let go of it. The next checkout connects anew, because after a
failover the same address may lead to another server.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPICursor

from myfy_data.engines.connect.backend import READ_ONLY, AnyBackend, Ask
from myfy_data.engines.connect.connect_errors import chain
from myfy_data.engines.listeners.timeouts import phase_of
from myfy_data.engines.mysql.error_codes import OPTION_PREVENTS, READ_ONLY_MODE, UNKNOWN_COMMAND
from myfy_data.engines.mysql.galera import is_outside_cluster
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.engines.postgresql.sqlstates import READ_ONLY_TRANSACTION

logger: logging.Logger = logging.getLogger("myfy_data")

_WORDS = ("read-only", "read_only")

_WRITES = re.compile(r"\s*(insert|update|delete|merge|replace)\b", re.IGNORECASE)


class WriteAvailability:
    """Whether the server behind an engine takes writes, as far as is known.

    Learned from its refusals, from writes that succeed, and from probes. A profile or a session that is read-only by
    our own will says nothing about the server.

    Attributes:
        is_writable: False from a refusal until a write succeeds or a probe says otherwise.
    """

    def __init__(self, engine: Engine, backend: AnyBackend) -> None:
        self._engine = engine
        self._backend = backend
        self._is_attached = False
        self.is_writable: bool = True
        if self.is_monitored:
            event.listen(engine, "handle_error", self._on_error)

    @property
    def is_monitored(self) -> bool:
        """Whether the profile wants to write to a server that may refuse."""
        return self._backend.may_refuse_writes and not self._backend.settings.read_only

    def set_writable(self, *, writable: bool) -> None:
        """Take note of what the server does with writes."""
        if writable == self.is_writable:
            return
        self.is_writable = writable
        if writable:
            logger.info("profile %r: %s takes writes again", self._backend.profile, self._backend.address)
        else:
            message = "profile %r: %s refuses writes; every connection is replaced at its next use"
            logger.warning(message, self._backend.profile, self._backend.address)
            self._attach_execute()
        # At the end as well: what was opened meanwhile may lead to the server that still refuses.
        if isinstance(self._engine.pool, BoundedPool):
            self._engine.pool.evict()

    def _on_error(self, context: ExceptionContext) -> None:
        number = write_refusal(context.original_exception)
        connection = context.connection
        if number is None or connection is None or is_reading(connection):
            return
        if number == UNKNOWN_COMMAND:
            _give_up(context, connection)
        elif not self.is_writable and not connection.invalidated:
            connection.connection.invalidate(soft=True)  # only this one: the others were replaced
        self.set_writable(writable=False)

    def _attach_execute(self) -> None:
        # Only from the first refusal on: it costs a call for each statement.
        if not self._is_attached:
            self._is_attached = True
            event.listen(self._engine, "after_cursor_execute", self._on_execute)

    def _on_execute(self, connection: Connection, _cursor: DBAPICursor, statement: str, *_: object) -> None:
        if not self.is_writable and _WRITES.match(statement) and not is_reading(connection):
            self.set_writable(writable=True)

    async def probe(self, ask: Ask, answers: Sequence[object]) -> bool | None:
        """Whether the server takes writes, and take note of it; None where it does not matter.

        Args:
            ask: runs a SELECT where `answers` come from, and gives its rows.
            answers: to `Backend.version_and_role`, without the version.
        """
        if not self.is_monitored:
            return None
        writable = await self._backend.takes_writes(ask, answers)
        self.set_writable(writable=writable)
        return writable


def _give_up(context: ExceptionContext, connection: Connection) -> None:
    """Let go of a connection on which a ROLLBACK would be refused as well, and hide the error."""
    if phase_of(context.original_exception) == "commit":
        connection.invalidate()  # not told as a lost connection: it is known that nothing was committed
    else:
        context.is_disconnect, context.invalidate_pool_on_disconnect = True, False


def write_refusal(error: BaseException | None) -> str | int | None:
    """The SQLSTATE or number by which a server refused because it takes no writes; None for any other error."""
    return next(_refusals(error), None) if error is not None else None


def _refusals(error: BaseException) -> Iterator[str | int]:
    for item in chain(error):
        if getattr(item, "sqlstate", None) == READ_ONLY_TRANSACTION:
            yield READ_ONLY_TRANSACTION
        number = item.args[0] if item.args else None
        if number == READ_ONLY_MODE and len(item.args) > 1:
            yield READ_ONLY_MODE
        elif number == OPTION_PREVENTS and any(word in str(item.args).lower() for word in _WORDS):
            yield OPTION_PREVENTS
        elif is_outside_cluster(item):
            yield UNKNOWN_COMMAND


def is_reading(connection: Connection) -> bool:
    """Whether its session is read-only by our own will, so that a refusal says nothing about the server."""
    options = connection.get_execution_options()
    return bool(options.get(READ_ONLY) or options.get("postgresql_readonly"))
