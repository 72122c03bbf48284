"""asyncpg's protocol, whose messages pass the gate of their connection (ADR 20)."""

# pyright: reportIncompatibleMethodOverride=false
# asyncpg's stubs are behind its code: each method takes whatever the driver's own takes.

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any
from typing import Protocol as Shape

import asyncpg
import asyncpg.protocol
from asyncpg import connect_utils
from asyncpg.protocol import Protocol

from myfy_data.engines.connect.deadline import Deadline
from myfy_data.engines.postgresql.driver_connection import DriverConnection
from myfy_data.engines.postgresql.engine import HAND_OUT
from myfy_data.engines.postgresql.login import GuardedLogin
from myfy_data.engines.postgresql.message_gate import DISCARD, MessageGate, leaves_no_trace
from myfy_data.engines.postgresql.reconnect import forget_statements
from myfy_data.redaction import Secret

_ASYNCPG: Any = Protocol
"""asyncpg's own methods."""

_OPENING: ContextVar[tuple[Secret | None, bool] | None] = ContextVar("myfy_opening", default=None)
"""While we open a connection in this task: the password, and whether the server refuses writes from the start."""

_EXECUTES = frozenset({"bind", "bind_execute", "bind_execute_many"})
"""Messages that execute a statement which was prepared before."""


_TOLD = _EXECUTES | {"query", "copy_in", "copy_out"}
"""Messages that are a statement for those who listen."""


class PreparedState(Shape):
    """What is needed of the state that asyncpg keeps of a prepared statement."""

    @property
    def query(self) -> str:
        """Its text."""
        ...


class GatedProtocol(GuardedLogin):
    """A connection's protocol: each of the methods by which asyncpg sends something asks the gate first.

    Attributes:
        gate: what has to be sent first.
        prepared: names of the statements that the server knows, on a transport that took the place of another one; None
            where it knows all that the connection has prepared.
    """

    def __init__(self, secret: Secret | None, gate: MessageGate, *arguments: object) -> None:
        super().__init__(secret, *arguments)
        self.gate = gate
        self.prepared: set[str] | None = None
        self._owner: weakref.ref[Any] | None = None

    def set_connection(self, connection: object) -> None:
        """Tell whose line this is."""
        self._owner = weakref.ref(connection)
        super().set_connection(connection)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is lost; prepared statements in use are not."""
        connection = self._owner() if self._owner is not None else None
        if connection is not None:
            forget_statements(connection)
        self.__dict__.pop("data_received", None)  # by which it would hold itself
        super().connection_lost(exc)

    def send(self, sql: str) -> Awaitable[str]:
        """Send a statement of ours past the gate; the server's tag."""
        sent: Awaitable[str] = super().query(sql, None)
        return sent

    @property
    def is_in_block(self) -> bool:
        """Whether the server said last that a transaction is open, a failed one included."""
        return bool(super().is_in_transaction())

    @property
    def is_dead(self) -> bool:
        """Whether nothing can be sent any more."""
        return not super().is_connected()

    def is_in_transaction(self) -> bool:
        """Whether a transaction is open, or begins with the next message: asyncpg's cursors ask first."""
        transaction = self.gate.transaction
        return (transaction is not None and transaction.is_due) or self.is_in_block

    def is_connected(self, *_: object, **__: object) -> bool:
        """Whether something can be sent: on an unproven connection, on another one if need be.

        asyncpg asks before it does anything, so a transaction that it would begin itself finds the session's.
        """
        gate = self.gate
        if HAND_OUT.get() is not None and gate.transaction is None:
            gate.begin_for_listener()
        return gate.reconnect is not None or bool(super().is_connected())

    def close(self, *args: object, **kwargs: object) -> object:
        """Disconnect; nothing takes the place of a connection that is closed, and asyncpg finds it closed."""
        self.gate.reconnect = None
        return _ASYNCPG.close(self, *args, **kwargs)

    def prepare(self, stmt_name: str, query: str, *args: object, **kwargs: object) -> object:
        """Prepare a statement."""
        if self.prepared is None and self.gate.lets_pass(query):
            return _ASYNCPG.prepare(self, stmt_name, query, *args, **kwargs)
        return self._send_gated(query, "prepare", (stmt_name, query, *args), kwargs)

    def bind_execute(self, state: PreparedState, *args: object, **kwargs: object) -> object:
        """Execute a prepared statement."""
        if self.prepared is None and self.gate.lets_pass(state.query):
            return _ASYNCPG.bind_execute(self, state, *args, **kwargs)
        return self._send_gated(state.query, "bind_execute", (state, *args), kwargs)

    def bind_execute_many(self, state: PreparedState, *args: object, **kwargs: object) -> object:
        """Execute a prepared statement for many rows."""
        if self.prepared is None and self.gate.lets_pass(state.query):
            return _ASYNCPG.bind_execute_many(self, state, *args, **kwargs)
        return self._send_gated(state.query, "bind_execute_many", (state, *args), kwargs)

    def bind(self, state: PreparedState, *args: object, **kwargs: object) -> Any:
        """Open a cursor."""
        return self._send_gated(state.query, "bind", (state, *args), kwargs)

    def execute(self, state: PreparedState, *args: object, **kwargs: object) -> Any:
        """Read on from a cursor."""
        return self._send(state.query, "execute", (state, *args), kwargs)

    def query(self, query: str, *args: object, **kwargs: object) -> Any:
        """Execute text in the simple protocol."""
        return self._send(query, "query", (query, *args), kwargs)

    def copy_in(self, copy_stmt: str, *args: object, **kwargs: object) -> Any:
        """COPY to the server."""
        return self._send(copy_stmt, "copy_in", (copy_stmt, *args), kwargs)

    def copy_out(self, copy_stmt: str, *args: object, **kwargs: object) -> Any:
        """COPY from the server."""
        return self._send(copy_stmt, "copy_out", (copy_stmt, *args), kwargs)

    def _send(self, sql: str, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        if self.gate.lets_pass(sql):
            return getattr(super(), name)(*args, **kwargs)
        return self._send_gated(sql, name, args, kwargs)

    async def _send_gated(self, sql: str, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> object:
        gate = self.gate
        gate.refuse_to_write(self, sql)
        door = gate.door
        if door is not None and not door.is_inside and name in _TOLD and sql != DISCARD:
            return await door.measure(sql, lambda: self._send_gated(sql, name, args, kwargs))
        line: Any = self
        transaction = gate.transaction
        if transaction is not None and gate.is_settled(transaction):
            transaction.refuse_if_ended()
        else:
            line = await gate.admit(self, sql)
        if line.prepared is not None:
            await line.note_prepared(name, args[0])
        send = getattr(Protocol, name)
        if gate.transaction is not None and leaves_no_trace(sql):
            return await send(line, *args, **kwargs)
        return await gate.watch(line, sql, send, *args, **kwargs)

    async def note_prepared(self, name: str, what: Any) -> None:
        """Let the server of a transport that took the place of another one know a statement before it is executed.

        Args:
            name: the message's.
            what: the name of a statement that is prepared, or the statement that is executed.
        """
        assert self.prepared is not None  # noqa: S101 - it was asked
        if name == "prepare":
            self.prepared.add(what)
        elif name in _EXECUTES and what.name not in self.prepared:
            options = {"ignore_custom_codec": what.ignore_custom_codec, "record_class": what.record_class}
            await super().prepare(what.name, what.query, None, state=what, **options)
            self.prepared.add(what.name)


class LineLoop(Deadline):
    """The event loop as asyncpg's protocol sees it: with one timer for all messages of the connection."""

    __slots__ = ("create_future",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.create_future: Callable[[], asyncio.Future[Any]] = loop.create_future

    def __getattr__(self, name: str) -> object:
        return getattr(self._loop, name)


def _build_protocol(
    address: object,
    connected: asyncio.Future[Any],
    parameters: Any,
    record_class: type,
    loop: asyncio.AbstractEventLoop,
) -> Protocol:
    opening = _OPENING.get()
    if opening is None:
        return Protocol(address, connected, parameters, record_class, loop)
    secret, read_only = opening
    gate = MessageGate(read_only=read_only)
    return GatedProtocol(secret, gate, address, connected, parameters, record_class, LineLoop(loop))


# asyncpg has no public way to bring a protocol of one's own. Connections opened without us get asyncpg's own.
connect_utils.protocol = SimpleNamespace(**{**vars(asyncpg.protocol), "Protocol": _build_protocol})


async def open_gated(arguments: Mapping[str, Any], secret: Secret | None, *, read_only: bool) -> DriverConnection:
    """Open an asyncpg connection with a gate.

    The password goes to our protocol alone: asyncpg is handed an empty one, which is all that it could give away.

    Args:
        arguments: asyncpg's own, password excepted.
        secret: the password; None for the one that asyncpg finds itself.
        read_only: whether the server refuses writes from the start.

    Raises:
        UnsafeLoginError: the server asks for a log-in that is refused.
    """
    token = _OPENING.set((secret, read_only))
    try:
        connection: DriverConnection = await asyncpg.connect(**arguments, password=None if secret is None else "")
    finally:
        _OPENING.reset(token)
    return connection
