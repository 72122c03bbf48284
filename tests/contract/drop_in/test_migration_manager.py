"""`MigrationManager` with upstream's arguments, as upstream's own `myfy data` uses it (contract C15, C8)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import create_async_engine

from myfy_data import ConfigError, MigrationManager
from myfy_data.migrations import create_alembic_env_template
from tests.migrating import MODELS, apart
from tests.sandbox import Sandbox, child_environment

URL = "sqlite+aiosqlite:///./app.db"


@pytest.fixture
def app(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setenv("MYFY_DATA_DATABASE_URL", URL)
    project.write("myfy.toml", '[data.profiles.default.migrations]\nmetadata = "app.models:Base.metadata"\n')
    project.write("app/models.py", MODELS)
    return project


def tables(project: Sandbox) -> set[str]:
    async def look() -> set[str]:
        engine = create_async_engine(f"sqlite+aiosqlite:///{project.path / 'app.db'}")
        async with engine.connect() as connection:
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        await engine.dispose()
        return set(names)

    return asyncio.run(look())


def test_a_directory_in_place_of_a_profile_is_where_migrations_stand(app: Sandbox) -> None:
    written = MigrationManager(Path("alembic")).init()

    assert {path.relative_to(app.path).as_posix() for path in written} == {
        "alembic/README",
        "alembic/env.py",
        "alembic/script.py.mako",
        "alembic.ini",
    }


def test_an_alembic_ini_that_is_there_stays_as_it_is(app: Sandbox) -> None:
    app.write("alembic.ini", "[alembic]\n")

    MigrationManager(alembic_dir=Path("alembic")).init()

    assert (app.path / "alembic.ini").read_text(encoding="utf-8") == "[alembic]\n"


def test_the_directory_may_be_named_and_asked_for(app: Sandbox) -> None:
    assert MigrationManager(alembic_dir="db/versions").alembic_dir == app.path / "db" / "versions"
    assert MigrationManager().alembic_dir == app.path / "migrations" / "default"


def test_a_manager_without_arguments_goes_on_in_upstreams_directory(
    app: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    def life() -> list[object]:
        MigrationManager(alembic_dir=Path("alembic")).init()
        env = app.path / "alembic" / "env.py"
        env.write_text(create_alembic_env_template(URL), encoding="utf-8")
        path = MigrationManager().revision("users", True)
        MigrationManager().upgrade()
        MigrationManager().current()
        MigrationManager().history()
        assert path is not None
        return [path.parent, path.name.partition("_")[0]]

    directory, revision = apart(life)

    assert directory == app.path / "alembic" / "versions"
    assert capsys.readouterr().out == f"{revision} (head)\n<base> -> {revision} (head), users\n"
    assert "users" in tables(app)


def test_a_manager_of_a_profile_prints_nothing(app: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    def life() -> None:
        MigrationManager().init()
        MigrationManager().revision("users")
        MigrationManager().upgrade()
        MigrationManager().current()
        MigrationManager().history()

    apart(life)

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("place", ["migrations/default", "configured"])
def test_the_profiles_own_directory_goes_before_upstreams(app: Sandbox, place: str) -> None:
    MigrationManager(Path("alembic")).init()
    if place == "configured":
        app.write("config/local.toml", f'[data.profiles.default.migrations]\ndirectory = "{place}"\n')
    else:
        MigrationManager("default").init()

    assert MigrationManager().alembic_dir == app.path / place


def test_alembics_own_command_runs_in_upstreams_directory(app: Sandbox) -> None:
    MigrationManager(Path("alembic")).init()
    environ = child_environment() | {"MYFY_DATA_DATABASE_URL": URL}
    for words in (["revision", "--autogenerate", "-m", "users"], ["upgrade", "head"]):
        command = [sys.executable, "-m", "alembic", *words]
        done = subprocess.run(command, cwd=app.path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    assert "users" in tables(app)


ASYNC_ENV = """
import asyncio

from alembic import context


async def run():
    raise AssertionError("another database")


work = run()
try:
    asyncio.run(work)
finally:
    work.close()
"""


def test_an_env_py_that_connects_by_itself_in_a_loop_of_its_own_is_refused(app: Sandbox) -> None:
    def life() -> str:
        MigrationManager(Path("alembic")).init()
        app.write("alembic/env.py", ASYNC_ENV)
        with pytest.raises(ConfigError, match="connects by itself") as caught:
            MigrationManager().upgrade()
        return str(caught.value)

    assert f"> {app.path / 'alembic' / 'env.py'}" in apart(life)
    assert "users" not in tables(app)


@pytest.mark.parametrize("url", [URL, "sqlite:///./app.db", "sqlite:///app.db"])
def test_an_env_py_holds_no_url_however_it_is_spelt(app: Sandbox, url: str) -> None:
    text = create_alembic_env_template(url)

    assert "run_env()" in text
    assert "sqlite" not in text


def test_an_address_that_no_profile_has_is_refused(app: Sandbox) -> None:
    with pytest.raises(ConfigError, match="no profile has this address") as caught:
        create_alembic_env_template("postgresql://app:canary-of-dropin@db/main")

    assert "canary-of-dropin" not in str(caught.value)
