"""The `alembic` command on our environment (contract C8, seed S10)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.migrating import MigratedProject, migrated
from tests.sandbox import Sandbox


@pytest.fixture
def app(project: Sandbox, request: pytest.FixtureRequest) -> Iterator[MigratedProject]:
    with migrated(project, request, main="sqlite", analytics="sqlite") as app:
        for profile in ("main", "analytics"):
            app.revision("001", f'table("{profile}")', f'op.drop_table("{profile}")', profile=profile)
        project.write("alembic.ini", "[alembic]\nscript_location = %(here)s/migrations/main\n")
        yield app


def alembic(app: MigratedProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    return app.sandbox.python("-m", "alembic", *arguments)


def test_it_upgrades_the_default_profile(app: MigratedProject) -> None:
    done = alembic(app, "upgrade", "head")

    assert done.returncode == 0, done.stderr
    assert (app.tables("main"), app.tables("analytics")) == ({"main", "alembic_version"}, set())


def test_another_profile_is_named_by_x(app: MigratedProject) -> None:
    done = alembic(app, "-x", "profile=analytics", "upgrade", "head")

    assert done.returncode == 0, done.stderr
    assert (app.tables("main"), app.tables("analytics")) == (set(), {"analytics", "alembic_version"})


def test_a_revision_of_another_profile_lands_in_its_directory(app: MigratedProject) -> None:
    alembic(app, "-x", "profile=analytics", "upgrade", "head")

    alembic(app, "-x", "profile=analytics", "revision", "--autogenerate", "-m", "more", "--rev-id", "002")

    found = sorted(path.name for path in app.sandbox.path.glob("migrations/*/versions/002*"))
    assert found == ["002_more.py"]
    assert app.manager("analytics").history()[0].parents == ("001",)


def test_pyproject_will_do_in_place_of_the_ini_file(app: MigratedProject) -> None:
    (app.sandbox.path / "alembic.ini").unlink()
    app.sandbox.write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/migrations/main"\n')

    done = alembic(app, "upgrade", "head")

    assert done.returncode == 0, done.stderr
    assert app.tables("main") == {"main", "alembic_version"}


def test_an_unknown_profile_is_told_in_our_words(app: MigratedProject) -> None:
    done = alembic(app, "-x", "profile=analitics", "upgrade", "head")

    assert done.returncode != 0
    assert "Did you mean 'analytics'?" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_both_ways_see_the_same_database(app: MigratedProject) -> None:
    alembic(app, "upgrade", "head")

    assert app.upgrade().outcome == "nothing to do"


def test_an_environment_of_alembics_own_needs_nothing_of_us(project: Sandbox) -> None:
    """Seed S10: `alembic init`, a URL in the ini file, metadata in env.py."""
    for arguments in (("init", "-t", "async", "migrations"), ("revision", "-m", "x"), ("upgrade", "head")):
        done = project.python("-m", "alembic", *arguments)
        assert done.returncode == 0, done.stderr
        ini = project.path / "alembic.ini"
        ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", "sqlite+aiosqlite:///own.db"))

    assert (project.path / "own.db").exists()
