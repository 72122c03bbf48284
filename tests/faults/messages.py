"""What a client says to a server, in words that are the same for every protocol; and predicates to pick a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client.

    Attributes:
        kind: `connect` (the client was accepted; nothing was sent yet), else the protocol's own name: `startup`, `Q`,
            `P`, `B`, `E`, `S` and so on for PostgreSQL; `login`, `COM_QUERY`, `COM_PING` and so on for MySQL.
        text: the SQL that it prepares or runs; empty for other messages.
        runs: whether the server runs `text` because of this message (a `P` only prepares it).
    """

    kind: str
    text: str = ""
    runs: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.text}".strip()


Predicate = Callable[[Message], bool]

CONNECT = Message("connect")


def commit(message: Message) -> bool:
    """The message that makes the server commit; `SET AUTOCOMMIT = 0` is none."""
    return message.runs and "COMMIT" in {part.strip().upper() for part in message.text.split(";")}


def connecting(message: Message) -> bool:
    """The moment at which a client was accepted."""
    return message.kind == "connect"


def statement(part: str) -> Predicate:
    """The message that runs SQL in which `part` stands, in either case."""
    return lambda message: message.runs and part.upper() in message.text.upper()
