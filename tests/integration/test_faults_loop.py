"""A fault on every message of a request: what the caller is told is what is stored (contract C5.3, C10).

A sample that needs no patience; `make faults` runs every loop and counts what is late.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from tests.asyncio_servers import PATIENCE
from tests.clock import deadline_of
from tests.databases import SERVERS, Database
from tests.faults.cases import Case, Trouble, every_case
from tests.faults.loop import exhaust
from tests.faults.noise import listening
from tests.faults.runs import Outcome, Run

pytestmark = pytest.mark.parametrize("database", SERVERS, indirect=True)

QUICK = ["delay within the deadline", "reset", "half-close", "answer cut", "answer lost, close", "caller cancelled"]
"""Faults after which no task waits for a deadline."""

PATIENT = ["answer lost, silence"]
"""Faults after which a task does; it passes when the server has answered in vain."""


def with_details(trouble: Trouble, details: dict[str, Any]) -> Trouble:
    """A trouble with further details."""
    return dataclasses.replace(trouble, details={**trouble.details, **details})


async def runs_of(database: Database, start: str, request: str, troubles: list[str]) -> list[Run]:
    """The runs of the loops of one request, all loops at the same time."""
    passes = {"then": deadline_of(PATIENCE)} if troubles == PATIENT else {}
    chosen = [
        dataclasses.replace(case, deadline=PATIENCE, trouble=with_details(case.trouble, passes))
        for case in every_case(database.kind)
        if (case.start, case.request) == (start, request) and case.trouble.name in troubles
    ]

    async def loop(case: Case) -> list[Run]:
        return [run async for run in exhaust(case, database)]

    runs = [run for runs in await asyncio.gather(*map(loop, chosen)) for run in runs]
    stored = await database.stored()
    for run in runs:
        run.look(stored)
    return runs


def broken(runs: list[Run]) -> list[str]:
    return [f"{run}: {problem}" for run in runs for problem in run.problems]


@pytest.mark.parametrize("request_name", ["read", "transaction"])
async def test_a_fault_on_any_message_leaves_the_truth_and_a_whole_pool(database: Database, request_name: str) -> None:
    with listening() as noise:
        runs = await runs_of(database, "hot", request_name, QUICK)

    assert broken(runs) == []
    assert noise.forgotten == []
    assert {run.outcome for run in runs} >= {Outcome.DONE, Outcome.CANCELLED}  # faults did fall


async def test_a_server_that_says_nothing_at_any_message_leaves_the_truth(database: Database) -> None:
    with listening() as noise:
        runs = await runs_of(database, "hot", "insert", PATIENT)

    assert broken(runs) == []
    assert noise.forgotten == []
    assert {run.outcome for run in runs} >= {Outcome.DONE, Outcome.FAILED, Outcome.UNKNOWN}


async def test_a_connection_that_is_checked_or_made_may_break_at_any_message(database: Database) -> None:
    idle = await runs_of(database, "idle", "read", ["reset", "answer cut"])
    cold = await runs_of(database, "cold", "read", ["reset"])

    assert broken(idle + cold) == []
    first = next(run for run in idle if run.nth == 1)
    assert first.outcome is Outcome.DONE  # the ping met the fault, and the user never hears of it
