"""What the log says of a request's end is what became of it: one sentence for each outcome (contract C5.3, C5.7)."""

from __future__ import annotations

import re

import pytest

from tests.faults import Fault
from tests.hosts.conftest import SubjectOf
from tests.hosts.matrix_cases import cell
from tests.hosts.outcomes import HOSTS, MYSQL, POSTGRESQL, SQLITE

pytestmark = pytest.mark.asyncio(loop_scope="session")

STORED = r"the work of a request is stored \(profiles 'main'\), although the request was cancelled"
UNKNOWN = (
    r"the outcome of a request is unknown: its work may be stored or not \(profiles 'main'\): CommitOutcomeUnknown"
)
DENIED = r"the work of a request was not committed \(profiles 'main'\): IntegrityError"
PARTIAL = (
    r"the work of a request is stored in part \('main' stored, 'second' (not committed|stored or not)\): PartialCommit"
)
ENDED = (
    r"the work of a request was not committed, the database had ended its transaction \(profiles 'main'\): Transaction"
)
SENTENCES = (STORED, UNKNOWN, DENIED, PARTIAL, ENDED)

ENDS = {
    ("cancelled_at_commit", Fault.DELAY, 1): (STORED, (POSTGRESQL, MYSQL)),
    ("returned", Fault.LOSE_REPLY_AND_CLOSE, 1): (UNKNOWN, (POSTGRESQL, MYSQL)),
    ("constraint_at_flush", None, 1): (DENIED, (SQLITE, POSTGRESQL, MYSQL)),
    ("constraint_at_commit", None, 1): (DENIED, (SQLITE, POSTGRESQL)),
    ("ended_by_the_database", None, 1): (ENDED, (SQLITE, POSTGRESQL, MYSQL)),
    ("second_fails_at_commit", None, 1): (PARTIAL, (SQLITE, POSTGRESQL)),
    ("both", Fault.RESET, 2): (PARTIAL, (POSTGRESQL, MYSQL)),
}


def cells() -> list[object]:
    return [
        cell(host, database, end, sentence, name=end[0])
        for end, (sentence, databases) in ENDS.items()
        for host in HOSTS
        for database in databases
    ]


End = tuple[str, Fault | None, int]
"""The act, what the proxy does at COMMIT, and at which."""


@pytest.mark.parametrize(("host", "database", "end", "sentence"), cells())
async def test_the_log_has_the_sentence_of_the_outcome_and_no_other(
    host: str, database: str, end: End, sentence: str, subject_of: SubjectOf
) -> None:
    subject = subject_of(host, database)
    mark = subject.process.mark()

    await subject.observe(*end)

    said = subject.process.said(mark)
    assert [each for each in SENTENCES if re.search(each, said)] == [sentence], said
    assert said.count("of a request") == 1, said


@pytest.mark.parametrize(("host", "database"), [cell(host, SQLITE) for host in HOSTS])
@pytest.mark.parametrize("act", ["returned", "returned_422", "committed_then_more", "both"])
async def test_an_end_without_a_failure_is_not_told(host: str, database: str, act: str, subject_of: SubjectOf) -> None:
    subject = subject_of(host, database)
    mark = subject.process.mark()

    await subject.observe(act)

    assert "of a request" not in subject.process.said(mark)
