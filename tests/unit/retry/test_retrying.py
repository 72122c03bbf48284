"""How often, how long and under which conditions a unit of work is run again; on a database in memory."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest
import stamina
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from myfy_data import (
    CommitOutcomeUnknown,
    DatabaseSettings,
    DataModule,
    DataSettings,
    MissingPackageError,
    ReadOnlySessionError,
    retrying,
)
from myfy_data.retry import retrying as unit_of_work
from myfy_data.retry.budget import budget_of


class Answer(Exception):
    """An error as asyncpg raises it."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("no")


def answered(state: str) -> DBAPIError:
    return DBAPIError("UPDATE", {}, Answer(state))


CONFLICT, LOST, NOT_WRITABLE = "40001", "08006", "25006"


@pytest.fixture
async def data() -> AsyncIterator[DataModule]:
    settings = DataSettings(profiles={"main": DatabaseSettings(database_url="sqlite://")})
    async with DataModule(settings=settings) as data:
        async with data.session() as session:
            await session.execute(text("CREATE TABLE notes (text TEXT)"))
        yield data


@pytest.fixture
def no_pauses() -> Iterator[None]:
    """Attempts follow one another at once."""
    stamina.set_testing(True, attempts=100, cap=True)
    yield
    stamina.set_testing(False)


async def note(session: AsyncSession, words: str = "hello") -> None:
    await session.execute(text("INSERT INTO notes VALUES (:words)"), {"words": words})


async def notes(data: DataModule) -> list[str]:
    async with data.session(read_only=True) as session:
        return list(await session.scalars(text("SELECT text FROM notes")))


async def runs(data: DataModule, *states: str, **bounds: float) -> tuple[int, BaseException | None]:
    """Run a unit of work that fails like this, attempt after attempt: how often it ran, and what was raised."""
    number = 0
    try:
        async for attempt in retrying(data, **bounds):  # type: ignore[arg-type]  # attempts and deadline
            async with attempt as session:
                number = attempt.number
                await note(session)
                if number <= len(states):
                    raise answered(states[number - 1])
    except DBAPIError as error:
        return number, error
    return number, None


async def test_a_unit_of_work_that_ends_well_runs_once(data: DataModule) -> None:
    assert await runs(data) == (1, None)
    assert await notes(data) == ["hello"]


async def test_what_a_failed_attempt_wrote_is_rolled_back(data: DataModule, no_pauses: None) -> None:
    assert await runs(data, CONFLICT, CONFLICT) == (3, None)
    assert await notes(data) == ["hello"]


async def test_the_last_attempts_error_is_raised(data: DataModule, no_pauses: None) -> None:
    number, error = await runs(data, *[CONFLICT] * 9)

    assert (number, error and error.orig.sqlstate) == (3, CONFLICT)  # type: ignore[union-attr]  # an Answer
    assert await notes(data) == []


async def test_the_caller_chooses_how_often(data: DataModule, no_pauses: None) -> None:
    assert (await runs(data, *[CONFLICT] * 9, attempts=5))[0] == 5


@pytest.mark.parametrize("state", [LOST, NOT_WRITABLE])
async def test_trouble_is_repeated_once(data: DataModule, no_pauses: None, state: str) -> None:
    assert await runs(data, state) == (2, None)
    assert (await runs(data, state, state, attempts=9))[0] == 2


@pytest.mark.parametrize("state", ["57014", "23505", "40003"])
async def test_what_is_not_in_the_table_is_raised_at_once(data: DataModule, state: str) -> None:
    number, error = await runs(data, state)

    assert (number, error is not None) == (1, True)


@pytest.mark.parametrize(("deadline", "begun"), [(0.05, []), (0.12, [0.01]), (0.2, [0.01, 0.04])])
async def test_a_pause_that_may_pass_the_deadline_is_not_begun(
    data: DataModule, monkeypatch: pytest.MonkeyPatch, deadline: float, begun: list[float]
) -> None:
    """Each takes up to a tenth of a second more. No time passes here, so it does not matter how busy the machine is."""
    monkeypatch.setattr(unit_of_work, "time", SimpleNamespace(monotonic=lambda: 0.0))
    work = unit_of_work.retrying(data, attempts=99, deadline=deadline)

    assert [pause for pause in (0.01, 0.04) if work.may_repeat(answered(CONFLICT), pause)] == begun


async def test_an_empty_budget_allows_no_repetition_while_the_server_is_in_trouble(data: DataModule) -> None:
    budget_of(data.get_session_factory()).left = 0.5

    assert (await runs(data, LOST))[0] == 1


async def test_conflicts_need_no_budget(data: DataModule, no_pauses: None) -> None:
    budget_of(data.get_session_factory()).left = 0.0

    assert await runs(data, CONFLICT) == (2, None)


async def test_a_unit_of_work_that_ends_well_earns(data: DataModule) -> None:
    budget_of(data.get_session_factory()).left = 0.0

    await runs(data)

    assert budget_of(data.get_session_factory()).left > 0


@pytest.mark.parametrize("error", [CommitOutcomeUnknown("main", "lost"), ValueError("mine"), asyncio.CancelledError()])
async def test_a_final_error_leaves_the_block_as_it_is(data: DataModule, error: BaseException) -> None:
    number = 0
    with pytest.raises(type(error)) as caught:
        async for attempt in retrying(data):
            async with attempt as session:
                number += 1
                await note(session)
                raise error

    assert (caught.value, number) == (error, 1)
    assert await notes(data) == []


async def test_a_block_that_committed_by_itself_is_not_repeated(data: DataModule) -> None:
    with pytest.raises(DBAPIError) as caught:
        async for attempt in retrying(data):
            async with attempt as session:
                await note(session, "early")
                await session.commit()
                await note(session, "late")
                raise answered(CONFLICT)

    assert caught.value.__notes__ == ["not repeated: the unit of work had committed a part of itself before"]
    assert await notes(data) == ["early"]


@pytest.mark.parametrize("state", [CONFLICT, LOST])
async def test_what_autocommit_may_have_stored_is_not_done_again(data: DataModule, no_pauses: None, state: str) -> None:
    with pytest.raises(DBAPIError) as caught:
        async for attempt in retrying(data):
            async with attempt as session:
                await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
                await note(session, "early")
                raise answered(state)

    [told] = caught.value.__notes__
    assert "AUTOCOMMIT" in told
    assert await notes(data) == ["early"]


async def test_what_a_read_only_session_reads_in_autocommit_is_read_again(data: DataModule, no_pauses: None) -> None:
    numbers = []
    async for attempt in retrying(data, read_only=True):
        async with attempt as session:
            numbers.append(attempt.number)
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            await session.execute(text("SELECT 1"))
            if attempt.number == 1:
                raise answered(LOST)

    assert numbers == [1, 2]


async def test_a_savepoint_is_no_commit(data: DataModule, no_pauses: None) -> None:
    async for attempt in retrying(data):
        async with attempt as session:
            async with session.begin_nested():
                await note(session)
            if attempt.number == 1:
                raise answered(CONFLICT)

    assert await notes(data) == ["hello"]


async def test_a_loop_may_be_left_from_inside(data: DataModule) -> None:
    async def first() -> int:
        async for attempt in retrying(data):
            async with attempt as session:
                await note(session)
                return attempt.number
        raise AssertionError

    assert await first() == 1
    assert await notes(data) == ["hello"]


async def test_a_session_that_only_reads(data: DataModule) -> None:
    with pytest.raises(ReadOnlySessionError):
        async for attempt in retrying(data, read_only=True):
            async with attempt as session:
                await note(session)


async def test_the_session_factory_of_a_profile_will_do(data: DataModule) -> None:
    async for attempt in retrying(data.get_session_factory("main")):
        async with attempt as session:
            await note(session)

    assert await notes(data) == ["hello"]


async def test_nothing_is_checked_out_afterwards(data: DataModule, no_pauses: None) -> None:
    await runs(data, *[CONFLICT] * 9)

    assert data.pool_status().checked_out == 0


async def test_without_the_package_there_is_a_line_to_install_it(
    data: DataModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stamina", None)

    with pytest.raises(MissingPackageError, match=r"fix: pip install 'myfy-data\[retry\]'"):
        retrying(data)
