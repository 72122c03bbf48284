"""asyncpg's protocol, whose messages pass the gate of their connection (ADR 20)."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import asyncpg
import asyncpg.protocol
from asyncpg import connect_utils
from asyncpg.protocol import Protocol

from myfy_data.engines.asyncpg_login import GuardedLogin
from myfy_data.engines.message_gate import MessageGate
from myfy_data.redaction import Secret

_OPENING: ContextVar[tuple[Secret | None, bool] | None] = ContextVar("myfy_opening", default=None)
"""While we open a connection in this task: the password, and whether the server refuses writes from the start."""

_EXECUTES = frozenset({"bind", "bind_execute", "bind_execute_many"})
"""Messages that execute a statement which was prepared before."""


class GatedProtocol(GuardedLogin):
    """A connection's protocol: each of the methods by which asyncpg sends something asks the gate first.

    Attributes:
        gate: what has to be sent first.
    """

    def __init__(self, secret: Secret | None, gate: MessageGate, *arguments: Any) -> None:
        super().__init__(secret, *arguments)
        self.gate = gate

    async def send(self, sql: str) -> str:
        """Send a statement of ours past the gate; the server's tag."""
        tag: str = await super().query(sql, None)
        return tag

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

    def is_connected(self, *_: Any, **__: Any) -> bool:
        """Whether something can be sent: on an unproven connection, on another one if need be."""
        return self.gate.reconnect is not None or bool(super().is_connected())

    def prepare(self, stmt_name: str, query: str, *args: Any, **kwargs: Any) -> Any:
        """Prepare a statement."""
        return self._send(query, "prepare", (stmt_name, query, *args), kwargs)

    def bind_execute(self, state: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute a prepared statement."""
        return self._send(state.query, "bind_execute", (state, *args), kwargs)

    def bind_execute_many(self, state: Any, *args: Any, **kwargs: Any) -> Any:
        """Execute a prepared statement for many rows."""
        return self._send(state.query, "bind_execute_many", (state, *args), kwargs)

    def bind(self, state: Any, *args: Any, **kwargs: Any) -> Any:
        """Open a cursor."""
        return self._send(state.query, "bind", (state, *args), kwargs)

    def execute(self, state: Any, *args: Any, **kwargs: Any) -> Any:
        """Read on from a cursor."""
        return self._send(state.query, "execute", (state, *args), kwargs)

    def query(self, query: str, *args: Any, **kwargs: Any) -> Any:
        """Execute text in the simple protocol."""
        return self._send(query, "query", (query, *args), kwargs)

    def copy_in(self, copy_stmt: str, *args: Any, **kwargs: Any) -> Any:
        """COPY to the server."""
        return self._send(copy_stmt, "copy_in", (copy_stmt, *args), kwargs)

    def copy_out(self, copy_stmt: str, *args: Any, **kwargs: Any) -> Any:
        """COPY from the server."""
        return self._send(copy_stmt, "copy_out", (copy_stmt, *args), kwargs)

    def _send(self, sql: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.gate.lets_pass(sql):
            return getattr(super(), name)(*args, **kwargs)
        return self._send_gated(sql, name, args, kwargs)

    async def _send_gated(self, sql: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        gate = self.gate
        line: Any = await gate.admit(self, sql)
        if line is not self and name in _EXECUTES:
            await line.prepare_again(args[0])
        method = getattr(Protocol, name)
        return await gate.watch(line, sql, lambda: method(line, *args, **kwargs))

    async def prepare_again(self, state: Any) -> None:
        """Prepare a statement under its name on a connection that took the place of its own."""
        options = {"ignore_custom_codec": state.ignore_custom_codec, "record_class": state.record_class}
        await super().prepare(state.name, state.query, None, state=state, **options)


def _build_protocol(*arguments: Any) -> Protocol:
    opening = _OPENING.get()
    if opening is None:
        return Protocol(*arguments)
    secret, read_only = opening
    return GatedProtocol(secret, MessageGate(read_only=read_only), *arguments)


# asyncpg has no public way to bring a protocol of one's own. Those who open connections without us get theirs.
connect_utils.protocol = SimpleNamespace(**{**vars(asyncpg.protocol), "Protocol": _build_protocol})


async def open_gated(arguments: Mapping[str, Any], secret: Secret | None, *, read_only: bool) -> Any:
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
        return await asyncpg.connect(**arguments, password=None if secret is None else "")
    finally:
        _OPENING.reset(token)
