"""What is answered is what is stored, in every host and on every database (contract C5)."""

from __future__ import annotations

import pytest

from tests.hosts.conftest import SubjectOf
from tests.hosts.matrix_cases import cell
from tests.hosts.outcomes import EVERY_DATABASE, HOSTS, ROWS, Row
from tests.hosts.stored_rows import expected

CELLS = [
    cell(host, database, row, name=row.name)
    for host in HOSTS
    for database in EVERY_DATABASE
    for row in ROWS
    if database in row.databases and host not in row.without
]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(("host", "database", "row"), CELLS)
async def test_what_is_answered_is_what_is_stored(host: str, database: str, row: Row, subject_of: SubjectOf) -> None:
    subject = subject_of(host, database)

    observed = await subject.observe(row.act, row.fault, row.nth)

    assert observed == expected(row)
