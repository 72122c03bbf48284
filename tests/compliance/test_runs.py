"""The tool itself, with the suite that SQLAlchemy's package ships: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compliance.campaign import Campaign
from tests.compliance.comparison import Comparison
from tests.compliance.databases import KINDS, Kind
from tests.compliance.runs import RESTARTS, Job
from tests.compliance.sources import SUITES, shipped
from tests.servers import MYSQL, POSTGRESQL, Server, account_of

MODULES = ("test_results", "test_insert")

CRASHING = """\
import os
from sqlalchemy import select
from sqlalchemy.testing import eq_, fixtures

class CrashTest(fixtures.TestBase):
    __backend__ = True

    def test_before(self, connection):
        eq_(connection.scalar(select(1)), 1)

    def test_crash(self, connection):
        os._exit(3)

    def test_later(self, connection):
        eq_(connection.scalar(select(1)), 1)
"""


def compared(folder: Path, kind: Kind, server: Server | None) -> Comparison:
    """The shipped suite on one database."""
    source, work = folder / "source", folder / "work"
    source.mkdir()
    work.mkdir()
    shipped(source, MODULES)
    files = [f"{module}.py" for module in MODULES]
    campaign = Campaign(source, lambda _: {"shipped": files}, work, say=lambda _: None)
    (comparison,) = campaign.compare(kind, server)
    return comparison


def check(comparison: Comparison) -> None:
    """Many tests ran on engines of ours, and what differs has a reason."""
    assert comparison.unexplained == []
    assert comparison.same["passed"] > 40
    assert comparison.same["failed"] == comparison.same["error"] == 0
    assert comparison.engines["ours"] > 5
    assert {difference.test.split("::")[1] for difference in comparison.differences} == {"ServerSideCursorsTest"}


def test_the_shipped_suite_differs_on_sqlite_only_where_there_is_a_reason(tmp_path: Path) -> None:
    check(compared(tmp_path, KINDS["sqlite"], None))


def test_the_shipped_suite_differs_on_postgresql_only_where_there_is_a_reason(
    tmp_path: Path, postgresql_url: str
) -> None:
    check(compared(tmp_path, KINDS["postgresql"], Server(POSTGRESQL, account_of(postgresql_url))))


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_two_runs_on_one_server_have_databases_of_their_own(kind: str, request: pytest.FixtureRequest) -> None:
    """As two lanes of CI do; the longest name that a suite has leaves room for what makes it different."""
    url: str = request.getfixturevalue(f"{kind}_url")
    server = Server(POSTGRESQL if kind == "postgresql" else MYSQL, account_of(url))
    longest = f"cmp_{kind[:2]}_{max(SUITES, key=len)}_again_plain_10_{RESTARTS - 1}"

    with KINDS[kind].database(server, longest) as one, KINDS[kind].database(server, longest) as other:
        assert one.name != other.name
        assert one.url.endswith(f"/{one.name}")


def test_a_test_that_ends_its_process_has_a_verdict_and_the_others_run(tmp_path: Path) -> None:
    shipped(tmp_path, ())
    (tmp_path / "test_crash.py").write_text(CRASHING, encoding="utf-8")

    record = Job("crash", KINDS["sqlite"], None, True, tmp_path, ["test_crash.py"], tmp_path).run()

    assert {test.rpartition("::")[2]: verdict for test, verdict in record.verdicts.items()} == {
        "test_before": "passed",
        "test_crash": "gave up",
        "test_later": "passed",
    }
