"""What both protocols have in common: bytes become messages, and answers find the message that they answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tests.faults.messages import Message


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of the client.

    Attributes:
        number: counted from 0, which is the connection itself.
        message: what it says.
        data: its bytes.
    """

    number: int
    message: Message
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A packet of the server.

    Attributes:
        data: its bytes.
        number: the message that it answers; None when unrequested.
        is_last: whether it completes the answer.
    """

    data: bytes
    number: int | None
    is_last: bool


class Conversation(Protocol):
    """One connection, as its protocol understands it."""

    def sent(self, data: bytes) -> Iterator[Sent]:
        """The messages that are complete now that the client has sent `data`."""
        ...

    def answered(self, data: bytes) -> Iterator[Answer]:
        """The packets that are complete now that the server has sent `data`."""
        ...


class Queue:
    """The messages that wait for their answers, in order."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, Message]] = deque()
        self._count = 0

    def number(self, message: Message, *, is_answered: bool) -> int:
        """The number of the next message."""
        number, self._count = self._count, self._count + 1
        if is_answered:
            self.waiting.append((number, message))
        return number

    @property
    def first(self) -> Message | None:
        """The message that is being answered."""
        return self.waiting[0][1] if self.waiting else None

    def answer(self, data: bytes, *, is_last: bool) -> Answer:
        """A packet of the answer to the first message."""
        if not self.waiting:
            return Answer(data, None, is_last=False)
        number = self.waiting[0][0]
        if is_last:
            self.waiting.popleft()
        return Answer(data, number, is_last)
