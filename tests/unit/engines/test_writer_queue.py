"""Turns to write: first come, first served, and never lost."""

from __future__ import annotations

import asyncio

import pytest

from myfy_data.engines.sqlite_turns import WriterQueue, writer_queue


async def test_turns_come_in_the_order_of_asking() -> None:
    queue, order = WriterQueue(), []

    async def write(number: int) -> None:
        await queue.enter(5)
        order.append(number)
        await asyncio.sleep(0)
        queue.leave()

    await asyncio.gather(*(write(number) for number in range(10)))

    assert order == list(range(10))


async def test_one_who_asks_again_waits_behind_the_others() -> None:
    queue, order = WriterQueue(), []

    async def write(name: str) -> None:
        for _ in range(3):
            await queue.enter(5)
            order.append(name)
            await asyncio.sleep(0)
            queue.leave()

    await asyncio.gather(write("a"), write("b"))

    assert order == ["a", "b"] * 3


async def test_a_wait_ends_with_its_time() -> None:
    queue = WriterQueue()
    await queue.enter(5)

    with pytest.raises(TimeoutError):
        await queue.enter(0.01)


async def test_one_who_gives_up_takes_no_turn() -> None:
    queue = WriterQueue()
    await queue.enter(5)
    waiting = asyncio.create_task(queue.enter(5))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    queue.leave()

    await queue.enter(0.01)


async def test_one_cancelled_at_the_very_turn_passes_it_on() -> None:
    queue = WriterQueue()
    await queue.enter(5)
    waiting = asyncio.create_task(queue.enter(5))
    await asyncio.sleep(0)
    queue.leave()
    waiting.cancel()
    await asyncio.wait([waiting])

    await queue.enter(0.01)


async def test_a_file_has_one_queue_and_each_file_its_own() -> None:
    first, second, other = writer_queue("/a"), writer_queue("/a"), writer_queue("/b")

    assert first is second
    assert first is not other


def test_each_loop_has_its_own_queue() -> None:
    async def queue() -> WriterQueue:
        return writer_queue("/a")

    with asyncio.Runner() as one, asyncio.Runner() as other:
        assert one.run(queue()) is not other.run(queue())
