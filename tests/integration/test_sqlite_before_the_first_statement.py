"""A session that has begun and run no statement has seen nothing, so it is pinned to no snapshot (ADR 22)."""

from __future__ import annotations

import pytest

from myfy_data import DataModule
from myfy_data.errors import TransactionEndedError
from tests.integration.test_sqlite_step_aside import (
    ADD_ONE,
    VALUE,
    _at_once_or_never,
    add_one,
    data,
    driver_of,
    one_row,
    path,
    stored,
    value,
)

__all__ = ["_at_once_or_never", "data", "one_row", "path"]


async def test_a_session_that_has_run_nothing_reads_what_is_stored_by_then(data: DataModule) -> None:
    async with data.session() as outer:
        await outer.connection()
        await add_one(data)
        first = await value(outer)
        await add_one(data)
        second = await value(outer)

    assert (first, second, await stored(data)) == (1, 1, 2)


@pytest.mark.parametrize("door", ["execute", "driver", "savepoint"])
async def test_a_session_that_has_run_nothing_writes_without_a_conflict(data: DataModule, door: str) -> None:
    async with data.session() as outer:
        await outer.connection()
        await add_one(data)
        if door == "driver":
            await (await driver_of(outer)).execute(ADD_ONE.text)
        elif door == "savepoint":
            async with outer.begin_nested():
                await outer.execute(ADD_ONE)
        else:
            await outer.execute(ADD_ONE)

    assert await stored(data) == 2


@pytest.mark.parametrize("by", ["execute", "driver"])
async def test_what_it_read_first_after_it_stepped_aside_is_not_written_over(data: DataModule, by: str) -> None:
    with pytest.raises(TransactionEndedError, match="has changed since"):
        async with data.session() as outer:
            await outer.connection()
            await add_one(data)
            if by == "driver":
                await (await driver_of(outer)).execute_fetchall(VALUE.text)
            else:
                await value(outer)
            await add_one(data)
            await outer.execute(ADD_ONE)

    assert await stored(data) == 2


async def test_a_session_that_stepped_aside_before_it_ran_anything_ends_well(data: DataModule) -> None:
    async with data.session() as outer:
        await outer.connection()
        await add_one(data)
        await outer.commit()
        await outer.execute(ADD_ONE)

    assert await stored(data) == 2
