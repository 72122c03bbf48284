"""A client that leaves, and a request whose task is cancelled (contract C5.6)."""

from __future__ import annotations

import pytest

from tests.faults import Fault
from tests.hosts.conftest import HYPERCORN, SubjectOf
from tests.hosts.matrix_cases import every_cell
from tests.hosts.outcomes import CLIENT_GONE, NETWORKED
from tests.hosts.stored_rows import Observation

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("server", CLIENT_GONE)
@pytest.mark.parametrize(("host", "database"), every_cell())
async def test_the_work_of_a_client_that_leaves(host: str, database: str, server: str, subject_of: SubjectOf) -> None:
    """Both servers tell the application that the client left, and let the handler go on: so its work is stored."""
    subject = subject_of(host, f"{HYPERCORN}{database}" if server == "hypercorn" else database)

    observed = await subject.observe_departure()

    stored = CLIENT_GONE[server]
    assert observed == Observation(None, None, (stored, 0), (0, 0), next=stored)


@pytest.mark.parametrize("act", ["cancelled", "cancelled_in_a_statement"])
@pytest.mark.parametrize(("host", "database"), every_cell())
async def test_a_cancelled_request_stores_nothing(host: str, database: str, act: str, subject_of: SubjectOf) -> None:
    observed = await subject_of(host, database).observe(act)

    # It is the server that answers: for applications a cancellation is no error.
    assert observed == Observation(500, None, (0, 0), (0, 0), next=0)


@pytest.mark.parametrize(("host", "database"), every_cell(NETWORKED))
async def test_a_cancellation_at_commit_waits_for_the_answer(host: str, database: str, subject_of: SubjectOf) -> None:
    """The work is stored, and the connection goes back to the pool; the cancellation goes on (contract C5.3)."""
    observed = await subject_of(host, database).observe("cancelled_at_commit", Fault.DELAY)

    assert observed == Observation(500, None, (1, 0), (0, 0), next=1)
