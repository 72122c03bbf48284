"""Who waits for a connection, in the order of asking (ADR 0015)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from enum import Enum
from typing import Generic, TypeVar

from myfy_data.engines.home import running_loop

T = TypeVar("T")


class Word(Enum):
    """What somebody in the line may get in place of a connection."""

    PLACE = "a place for a new connection"
    TOO_LATE = "nothing came in time"


Ticket = asyncio.Future[T | Word]


class WaitingLine(Generic[T]):
    """Tasks that wait, each with a ticket; the longest waiter is served first.

    What a ticket holds was given to nobody else: who leaves with it unused must put it back.
    """

    def __init__(self) -> None:
        self._tickets: OrderedDict[Ticket[T], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tickets)

    def join(self) -> Ticket[T]:
        """Take a ticket at the end of the line."""
        ticket: Ticket[T] = asyncio.get_running_loop().create_future()
        self._tickets[ticket] = None
        return ticket

    async def wait(self, ticket: Ticket[T], seconds: float) -> T | Word:
        """Wait to be served; `Word.TOO_LATE` when nothing came in so many seconds.

        The timer answers through the ticket, too: of being served and being late, only one can happen.
        """
        timer = ticket.get_loop().call_later(seconds, self._give_up, ticket)
        try:
            return await ticket
        finally:
            timer.cancel()

    def leave(self, ticket: Ticket[T]) -> T | Word | None:
        """Go without having been answered; what the ticket holds nevertheless, to be put back."""
        self._tickets.pop(ticket, None)
        held = ticket.result() if ticket.done() and not ticket.cancelled() else None
        return None if held is Word.TOO_LATE else held

    def hand_over(self, thing: T | Word) -> bool:
        """Give something to the longest waiter; whether there was one who could still take it."""
        while True:
            try:
                ticket, _ = self._tickets.popitem(last=False)
            except KeyError:
                return False
            if not ticket.done():  # else it was cancelled, and its task has not run since
                ticket.set_result(thing)
                return True

    def loop_elsewhere(self) -> asyncio.AbstractEventLoop | None:
        """The loop of those who wait, where alone they can be served; None when this code runs in it."""
        first = next(iter(self._tickets), None)
        loop = first.get_loop() if first is not None else None
        return None if loop is running_loop() else loop

    def _give_up(self, ticket: Ticket[T]) -> None:
        if not ticket.done():
            self._tickets.pop(ticket, None)
            ticket.set_result(Word.TOO_LATE)
