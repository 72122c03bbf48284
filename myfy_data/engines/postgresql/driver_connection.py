"""What is asked of an asyncpg connection; asyncpg ships no types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from myfy_data.engines.connect.position import Answer
from myfy_data.engines.postgresql.message_gate import Line


class DriverConnection(Protocol):
    """An asyncpg connection whose messages pass a gate."""

    _protocol: Any
    _config: Any
    _transport: Any
    _stmt_cache: Any
    _stmts_to_close: set[object]
    _aborted: bool

    async def fetch(self, query: str) -> Sequence[Answer]:
        """The rows of a SELECT."""
        ...

    async def close(self) -> None:
        """Close politely."""

    def terminate(self) -> None:
        """Close without waiting."""


def line_of(connection: DriverConnection) -> Line:
    """The connection's protocol, past the gate: what is sent over it belongs to no transaction."""
    line: Line = connection._protocol  # noqa: SLF001 - asyncpg has no public name for it
    return line
