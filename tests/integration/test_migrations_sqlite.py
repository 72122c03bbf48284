"""Migrations of SQLite: what a revision may do that a session may not."""

from __future__ import annotations

import pytest

from tests.migrating import migrated
from tests.sandbox import Sandbox

WAYS = {
    "commit": 'op.execute("COMMIT")',
    "commit and begin": 'op.execute("COMMIT")\nop.execute("BEGIN IMMEDIATE")',
    "pragma": 'op.execute("PRAGMA foreign_keys = OFF")',
    "pragma on": 'op.execute("PRAGMA foreign_keys = ON")',
    "pragma in a block": 'with op.get_context().autocommit_block():\n    op.execute("PRAGMA foreign_keys = ON")',
    "user version": 'op.execute("PRAGMA user_version = 7")',
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_revision_may_end_its_transaction_and_set_pragmas(
    project: Sandbox, request: pytest.FixtureRequest, way: str
) -> None:
    with migrated(project, request, main="sqlite") as app:
        app.revision("001", f'table("a")\nop.execute("INSERT INTO a VALUES (1)")\n{way}\ntable("b")')

        assert app.upgrade().after == ("001",)
        assert app.tables() == {"a", "b", "alembic_version"}
        assert app.rows("SELECT id FROM a") == [(1,)]


def test_a_batch_keeps_the_rows_that_refer_to_its_table(project: Sandbox, request: pytest.FixtureRequest) -> None:
    """It drops the old table, which would delete them."""
    tables = """\
op.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
op.execute("CREATE TABLE child (id INTEGER REFERENCES parent (id) ON DELETE CASCADE)")
op.execute("INSERT INTO parent VALUES (1)")
op.execute("INSERT INTO child VALUES (1)")
"""
    batch = """\
with op.batch_alter_table("parent", recreate="always") as changes:
    changes.add_column(sa.Column("name", sa.String(50)))
"""
    with migrated(project, request, main="sqlite") as app:
        app.revision("001", tables)
        app.revision("002", batch, parent="001")

        assert app.upgrade().after == ("002",)
        assert app.rows("SELECT id FROM child") == [(1,)]
