"""The matrix would notice: without our adapter, the same acts in the same hosts end in what its table forbids."""

from __future__ import annotations

import pytest

from tests.hosts.conftest import NAIVE, SubjectOf
from tests.hosts.matrix_cases import cell
from tests.hosts.outcomes import HOSTS, POSTGRESQL, ROWS
from tests.hosts.recorder import BESIDE
from tests.hosts.stored_rows import Observation, expected

COMMITTED_TOO_LATE = Observation(200, at_start=0, stored=(1, 0), next=1)
ANSWERED_AND_LOST = Observation(200, at_start=0, stored=(0, 0), next=0)
FAILED_AND_STORED_AFTERWARDS = Observation(500, at_start=0, stored=(1, 0), next=1)
HANDLED_AND_STORED = Observation(200, at_start=0, stored=(1, 0), next=1)

LIES = [
    # myfy 0.1.2 ends no session: nothing is stored, and the pool of one is empty for the next request.
    ("myfy-0.1.2", "returned", Observation(200, at_start=0, stored=(0, 0), checked_out=(1, 0), next=None)),
    ("myfy-0.1.2a94", "raised", Observation(500, at_start=1, stored=(1, 0), next=1)),
    ("myfy-0.1.2a94", "constraint_at_commit", ANSWERED_AND_LOST),
    ("fastapi", "returned", COMMITTED_TOO_LATE),
    ("fastapi", "constraint_at_commit", ANSWERED_AND_LOST),
    ("fastapi", "in_background", ANSWERED_AND_LOST),
    ("fastapi", "handled", HANDLED_AND_STORED),
    ("starlette", "returned", COMMITTED_TOO_LATE),
    ("starlette", "constraint_at_commit", ANSWERED_AND_LOST),
    ("starlette", "handled", HANDLED_AND_STORED),
    ("litestar", "returned", COMMITTED_TOO_LATE),
    ("litestar", "constraint_at_commit", ANSWERED_AND_LOST),
    ("litestar", "raised", FAILED_AND_STORED_AFTERWARDS),
]

OF_NAIVE_HOSTS = [cell(host, POSTGRESQL, act, lie, name=act) for host, act, lie in LIES]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(("host", "database", "act", "lie"), OF_NAIVE_HOSTS)
async def test_a_naive_application_is_caught(
    host: str, database: str, act: str, lie: Observation, subject_of: SubjectOf
) -> None:
    subject = subject_of(host, NAIVE)

    observed = await subject.observe(act)

    assert observed == lie
    assert observed != next(expected(row) for row in ROWS if row.act == act)


def test_every_host_has_a_control() -> None:
    assert {host for host, _, _ in LIES} == set(HOSTS)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_protocol_error_in_the_log_is_caught(subject_of: SubjectOf) -> None:
    subject = subject_of("starlette", "sqlite")
    mark = subject.process.mark()

    await subject.get(f"{BESIDE}broken")
    await subject.get(f"{BESIDE}settled")

    assert subject.process.complaints(mark)
