"""Turns to write: first come, first served, and never lost."""

from __future__ import annotations

import asyncio

import pytest

from myfy_data.engines.sqlite.write_queue import Turn, WriterQueue, writer_queue
from tests.asyncio_servers import PATIENCE


def asking() -> Turn:
    """A turn of a waiter without a connection."""
    return Turn(has_connection=False)


async def taken(queue: WriterQueue) -> Turn:
    """A turn that no task waits for."""
    turn = asking()
    assert queue.take(turn)
    return turn


async def test_turns_come_in_the_order_of_asking() -> None:
    queue, order = WriterQueue(), []

    async def write(number: int) -> None:
        turn = asking()
        await queue.enter(turn, PATIENCE)
        order.append(number)
        await asyncio.sleep(0)
        queue.leave(turn)

    await asyncio.gather(*(write(number) for number in range(10)))

    assert order == list(range(10))


async def test_one_who_asks_again_waits_behind_the_others() -> None:
    queue, order = WriterQueue(), []

    async def write(name: str) -> None:
        for _ in range(3):
            turn = asking()
            await queue.enter(turn, PATIENCE)
            order.append(name)
            await asyncio.sleep(0)
            queue.leave(turn)

    await asyncio.gather(write("a"), write("b"))

    assert order == ["a", "b"] * 3


async def test_a_wait_ends_with_its_time() -> None:
    queue = WriterQueue()
    await taken(queue)

    with pytest.raises(TimeoutError):
        await queue.enter(asking(), 0.01)


async def test_one_who_gives_up_takes_no_turn() -> None:
    queue = WriterQueue()
    turn = await taken(queue)
    waiting = asyncio.create_task(queue.enter(asking(), PATIENCE))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    queue.leave(turn)

    assert queue.take(asking())


async def test_one_cancelled_at_the_very_turn_passes_it_on() -> None:
    queue = WriterQueue()
    turn = await taken(queue)
    waiting = asyncio.create_task(queue.enter(asking(), PATIENCE))
    await asyncio.sleep(0)
    queue.leave(turn)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert queue.take(asking())


async def test_one_who_was_too_late_is_passed_over() -> None:
    queue = WriterQueue()
    turn, late, next_one = await taken(queue), asking(), asking()
    waiting = asyncio.create_task(queue.enter(next_one, PATIENCE))
    with pytest.raises(TimeoutError):
        await queue.enter(late, 0)
    queue.leave(turn)
    await waiting

    assert queue.take(next_one)


# -- a waiter for a pooled connection that has the turn lends it to holders of one ---------------------------------


async def test_who_holds_a_connection_goes_before_one_who_waits_for_it() -> None:
    queue = WriterQueue()
    lender, holder = await taken(queue), Turn(has_connection=True)

    with queue.lending(lender):
        await queue.enter(holder, PATIENCE)

    assert queue.take(holder)


async def test_one_who_comes_with_a_connection_before_that_is_let_pass_as_well() -> None:
    queue = WriterQueue()
    lender, holder = await taken(queue), Turn(has_connection=True)
    waiting = asyncio.create_task(queue.enter(holder, PATIENCE))
    await asyncio.sleep(0)

    with queue.lending(lender):
        await waiting

    assert queue.take(holder)


async def test_a_lender_is_next_whoever_came_before() -> None:
    queue = WriterQueue()
    lender, holder, other = await taken(queue), Turn(has_connection=True), asking()
    waiting = asyncio.create_task(queue.enter(other, PATIENCE))
    await asyncio.sleep(0)
    with queue.lending(lender):
        await queue.enter(holder, PATIENCE)
    queue.leave(holder)

    await queue.enter(lender, 0)
    assert not waiting.done()
    queue.leave(lender)
    await waiting


async def test_nothing_is_lent_to_those_who_hold_no_connection() -> None:
    queue = WriterQueue()
    lender = await taken(queue)
    waiting = asyncio.create_task(queue.enter(asking(), PATIENCE))
    await asyncio.sleep(0)

    with queue.lending(lender):
        assert queue.take(lender)

    queue.leave(lender)
    await waiting


async def test_a_lender_that_gets_no_connection_leaves() -> None:
    queue = WriterQueue()
    lender, holder = await taken(queue), Turn(has_connection=True)
    with pytest.raises(RuntimeError), queue.lending(lender):
        await queue.enter(holder, PATIENCE)
        raise RuntimeError
    queue.leave(holder)

    assert queue.take(asking())


async def test_a_file_has_one_queue_and_each_file_its_own() -> None:
    first, second, other = writer_queue("/a"), writer_queue("/a"), writer_queue("/b")

    assert first is second
    assert first is not other


def test_each_loop_has_its_own_queue() -> None:
    async def queue() -> WriterQueue:
        return writer_queue("/a")

    with asyncio.Runner() as one, asyncio.Runner() as other:
        assert one.run(queue()) is not other.run(queue())
