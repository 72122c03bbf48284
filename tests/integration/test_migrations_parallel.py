"""Ten processes start at once: one runs the migrations, the others wait and find nothing to do (contract C8)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.databases import PERSISTENT
from tests.migrating import migrated, run_ten
from tests.sandbox import Sandbox


@pytest.mark.parametrize("kind", PERSISTENT)
def test_of_ten_processes_one_runs_the_migrations(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'note("001")\ntime.sleep(0.3)\ntable("a")')
        app.revision("002", 'note("002")\ntable("b")', parent="001")

        reports = run_ten(app)

        assert Counter(report["outcome"] for report in reports) == {"upgraded": 1, "nothing to do": 9}
        assert {tuple(report["to"]) for report in reports} == {("002",)}
        assert app.noted() == ["001", "002"]
        assert app.tables() == {"a", "b", "alembic_version"}
