"""A downgrade that MySQL could not roll back: nothing is called "at head" until it is finished (contract C8)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from myfy_data import DataModule, MigrationError
from tests.migrating import MigratedProject, apart, migrated
from tests.sandbox import Sandbox

DOWN = 'op.drop_table("b")\nop.drop_table("nope")\nop.drop_table("a")'


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="mysql") as app:
        app.revision("001", 'table("a")\ntable("b")', DOWN)
        app.upgrade()
        assert app.db("downgrade", "-1").returncode == 1
        yield app


def test_nothing_says_that_it_is_at_head(app: MigratedProject) -> None:
    done = {word: app.db(word) for word in ("check", "upgrade", "current")}

    assert (done["check"].returncode, done["upgrade"].returncode) == (1, 1)
    assert "between two revisions: downgrade 001 was begun by process" in done["check"].stdout
    assert "half done" in done["current"].stdout
    assert "DROP TABLE b" in done["upgrade"].stderr


@pytest.mark.parametrize("policy", ["check", "upgrade"])
def test_an_application_does_not_start_on_it(app: MigratedProject, policy: str) -> None:
    async def start() -> None:
        async with DataModule(settings=app.sandbox.load(), migrations=policy):  # type: ignore[arg-type] - a parametrized word
            pass

    with pytest.raises(MigrationError, match="downgrade 001 was begun by process"):
        apart(lambda: asyncio.run(start()))


def test_it_is_finished_as_the_fix_says(app: MigratedProject) -> None:
    told = app.db("check").stdout
    path = app.sandbox.path / "migrations/main/versions/001.py"
    path.write_text(path.read_text().replace('op.drop_table("nope")', 'op.execute("SELECT 1")'))
    fix = told.partition("finish it: myfy-data db ")[2].split()

    done = app.db(*fix)

    assert done.returncode == 0, done.stderr
    assert app.tables() == {"alembic_version"}
    assert app.db("current").stdout.split()[1] == "base"


def test_stamping_says_that_it_was_mended_by_hand(app: MigratedProject) -> None:
    app.change("CREATE TABLE b (id INT)")

    assert app.db("stamp", "001").returncode == 0
    assert "half done" not in app.db("current").stdout
