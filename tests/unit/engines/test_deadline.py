"""One timer for all messages of a connection: it rings when a message is late, and for nothing else (contract C10)."""

from __future__ import annotations

import asyncio
import contextvars
import weakref

from myfy_data.engines.connect.deadline import Deadline
from tests.clock import deadline_of


async def turns() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_message_that_is_late_is_called_back_once() -> None:
    late = deadline_of(10)
    rung: list[int] = []
    Deadline(asyncio.get_running_loop()).call_later(9, rung.append, 1)

    late()
    await turns()
    late()
    await turns()

    assert rung == [1]


async def test_a_message_that_was_answered_is_not_called_back() -> None:
    late = deadline_of(10)
    rung: list[int] = []
    Deadline(asyncio.get_running_loop()).call_later(9, rung.append, 1).cancel()

    late()
    await turns()

    assert rung == []


async def test_a_later_message_has_its_whole_time() -> None:
    """The timer that was wound for the first one rings in the middle of the second one's time."""
    later = deadline_of(6)
    rung: list[int] = []
    deadline = Deadline(asyncio.get_running_loop())
    deadline.call_later(9, rung.append, 1).cancel()
    later()
    await turns()
    deadline.call_later(9, rung.append, 2)
    later()
    await turns()
    at_twelve = list(rung)

    later()
    await turns()

    assert (at_twelve, rung) == ([], [2])


async def test_a_message_with_less_time_is_called_back_in_time() -> None:
    late = deadline_of(10)
    rung: list[int] = []
    deadline = Deadline(asyncio.get_running_loop())
    deadline.call_later(60, rung.append, 1).cancel()
    deadline.call_later(9, rung.append, 2)

    late()
    await turns()

    assert rung == [2]


async def test_a_second_message_beside_the_first_has_a_timer_of_its_own() -> None:
    late = deadline_of(10)
    rung: list[int] = []
    deadline = Deadline(asyncio.get_running_loop())
    deadline.call_later(60, rung.append, 1)
    deadline.call_later(9, rung.append, 2)

    late()
    await turns()

    assert rung == [2]


async def test_the_timer_keeps_nothing_of_the_message() -> None:
    """Neither what is called back nor the context of the task that sent it."""

    class Kept:
        def late(self) -> None:
            raise AssertionError

    variable: contextvars.ContextVar[Kept] = contextvars.ContextVar("kept")
    called, held = Kept(), Kept()
    references = [weakref.ref(called), weakref.ref(held)]
    deadline = Deadline(asyncio.get_running_loop())

    context = contextvars.copy_context()
    context.run(variable.set, held)
    context.run(deadline.call_later, 9, called.late)
    deadline.cancel()
    del called, held, context

    assert [reference() for reference in references] == [None, None]
