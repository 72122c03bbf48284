"""The testing aid: migrations run both ways, and models agree with head (issue 4)."""

from __future__ import annotations

import pytest

from myfy_data import MigrationError
from myfy_data.testing.migrations import assert_no_drift, rehearse_migrations
from tests.databases import PERSISTENT
from tests.migrating import apart, migrated
from tests.sandbox import Sandbox


@pytest.mark.parametrize("kind", PERSISTENT)
def test_a_rehearsal_ends_at_head(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")\nnote("up")', 'op.drop_table("a")\nnote("down")')

        apart(rehearse_migrations)

        assert app.noted() == ["up", "down", "up"]
        assert app.tables() == {"a", "alembic_version"}


@pytest.mark.parametrize("kind", PERSISTENT)
def test_what_a_downgrade_forgets_is_found(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")\ntable("b")', 'op.drop_table("a")')

        with pytest.raises(AssertionError, match="left after the downgrade to base: b"):
            apart(rehearse_migrations)


def test_a_type_that_a_downgrade_forgets_is_found(
    project: Sandbox, request: pytest.FixtureRequest, postgresql_url: str
) -> None:
    with migrated(project, request, main="postgresql") as app:
        app.revision("001", "op.execute(\"CREATE TYPE mood AS ENUM ('sad')\")")

        with pytest.raises(MigrationError, match='type "mood" already exists'):
            apart(rehearse_migrations)


def test_a_database_that_holds_something_is_left_alone(project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main="sqlite") as app:
        app.change("CREATE TABLE precious (id int)")

        with pytest.raises(MigrationError, match="this one holds precious"):
            apart(rehearse_migrations)


def test_drift_is_told_with_what_differs(project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main="sqlite") as app:
        app.db("revision", "-m", "users")
        app.upgrade()
        apart(assert_no_drift)
        app.change("ALTER TABLE users ADD COLUMN extra INTEGER")

        with pytest.raises(AssertionError, match=r"remove column users\.extra"):
            apart(assert_no_drift)
