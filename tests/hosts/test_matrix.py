"""What is answered is what is stored, in every host and on every database (contract C5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts.conftest import SubjectOf
from tests.hosts.observing import expected
from tests.hosts.outcomes import HOSTS, ROWS, Row


def cells() -> Iterator[object]:
    for host in HOSTS:
        for database in ("sqlite", "postgresql", "mysql"):
            for row in ROWS:
                if database in row.databases and host not in row.without:
                    marks = [getattr(pytest.mark, name) for name in (host.partition("-")[0], database) if name in MARKED]
                    yield pytest.param(host, database, row, marks=marks, id=f"{host}-{database}-{row.name}")


MARKED = ("myfy", "postgresql", "mysql")


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(("host", "database", "row"), list(cells()))
async def test_what_is_answered_is_what_is_stored(host: str, database: str, row: Row, subject_of: SubjectOf) -> None:
    subject = subject_of(host, database)

    observed = await subject.observe(row.act, row.fault, row.nth)

    assert observed == expected(row)
