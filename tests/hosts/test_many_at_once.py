"""Twenty requests at once on a pool of three: each stores its own row, or none (contract C5.1, C5.7)."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from tests.hosts.conftest import WIDE, SubjectOf
from tests.hosts.matrix_cases import every_cell
from tests.hosts.recorder import BESIDE

pytestmark = pytest.mark.asyncio(loop_scope="session")

PARALLEL = 20
ACTS = {"returned": (200, 1), "raised": (500, 0), "returned_422": (422, 0), "committed_then_more": (200, 2)}


@pytest.mark.parametrize(("host", "database"), every_cell())
async def test_requests_at_once_do_not_mix(host: str, database: str, subject_of: SubjectOf) -> None:
    subject = subject_of(host, WIDE + database)
    mark = subject.process.mark()
    requests = [(list(ACTS)[number % len(ACTS)], secrets.token_hex(8)) for number in range(PARALLEL)]

    answers = await asyncio.gather(
        *(subject.client.post(f"{subject.address}/run/{act}/{text}") for act, text in requests)
    )

    stored = [(await subject.place.stored(text))[0] for _, text in requests]
    assert list(zip([answer.status_code for answer in answers], stored, strict=True)) == [
        ACTS[act] for act, _ in requests
    ]
    assert (await subject.get(f"{BESIDE}settled")).json() == {"main": 0, "second": 0}
    assert subject.process.complaints(mark) == []
