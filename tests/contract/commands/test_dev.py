"""`dev`: servers, migrations and seeds for as long as a command runs; it does not run when a step failed (C13.4)."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from myfy_data import ConfigError
from myfy_data.cli import main
from myfy_data.cli.dev import servers as dev_servers
from myfy_data.servers import postgresql
from myfy_data.servers.running import RunningServer
from tests.migrating import MigratedProject, ask
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment
from tests.servers import require_client

TABLE = 'op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("body", sa.String(20)))'
SEED = "notes: {key: [id], rows: [{id: 1, body: seeded}]}"
COUNT = (
    "import asyncio; from sqlalchemy import text; from myfy_data import DataModule\n"
    "async def main():\n"
    "    async with DataModule() as data, data.session() as session:\n"
    "        print('rows', await session.scalar(text('SELECT count(*) FROM notes')))\n"
    "        await session.execute(text(\"INSERT INTO notes VALUES (2, 'kept')\"))\n"
    "asyncio.run(main())"
)


@pytest.fixture
def small(project: Sandbox) -> MigratedProject:
    app = MigratedProject(project, {"main": f"sqlite+aiosqlite:///{project.path}/main.db"})
    app.init()
    app.revision("001", TABLE)
    project.write("seeds/main/01-notes.yaml", SEED)
    return app


def dev(project: Sandbox, *command: str, words: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return project.run("dev", *words, "--", *command, stdin="typed\n")


def test_a_command_finds_its_database_migrated_and_seeded(small: MigratedProject) -> None:
    done = dev(small.sandbox, sys.executable, "-c", COUNT)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "rows 1\n"
    assert "main  created, upgraded, 01-notes.yaml: 1 inserted" in done.stderr


@pytest.mark.parametrize(
    ("command", "code", "shown"),
    [(["sh", "-c", "exit 7"], 7, ""), (["cat"], 0, "typed\n"), (["sh", "-c", "kill -TERM $$"], 143, "")],
    ids=["exit code", "input", "signal"],
)
def test_a_command_has_its_own_input_output_and_exit_code(
    small: MigratedProject, command: list[str], code: int, shown: str
) -> None:
    done = dev(small.sandbox, *command)

    assert (done.returncode, done.stdout) == (code, shown)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("migrations/main/versions/002.py", "this is no Python"),
        ("seeds/main/02-late.sql", "INSERT INTO nowhere VALUES (1)"),
        ("seeds/main/late.sql", ""),
    ],
)
def test_a_command_does_not_run_when_a_step_failed(small: MigratedProject, path: str, text: str) -> None:
    small.sandbox.write(path, text)

    done = dev(small.sandbox, "touch", "ran")

    assert done.returncode in (1, 2)
    assert Path(path).name in done.stderr
    assert not (small.sandbox.path / "ran").exists()


@pytest.mark.parametrize("environment", ["production", "prod", "live"])
def test_in_production_nothing_happens(small: MigratedProject, environment: str) -> None:
    done = dev(small.sandbox, "touch", "ran", words=("--environment", environment))

    assert done.returncode == 2
    assert f"nothing is started, migrated or seeded for '{environment}'" in done.stderr
    assert not (small.sandbox.path / "ran").exists()
    assert not (small.sandbox.path / "main.db").exists()


def test_that_no_configuration_was_found_is_told(project: Sandbox) -> None:
    done = dev(project, "true")

    assert done.returncode == 0
    assert "warning: no configuration was found" in done.stderr


def test_a_database_of_another_environment_is_left_alone(small: MigratedProject) -> None:
    small.upgrade()
    small.db("mark", "--as", "production")

    done = dev(small.sandbox, "touch", "ran")

    assert done.returncode == 2
    assert "says that it belongs to 'production'" in done.stderr
    assert not (small.sandbox.path / "ran").exists()
    assert small.rows("SELECT id FROM notes") == []


def test_a_database_of_another_machine_is_left_alone(small: MigratedProject) -> None:
    far = '[data.profiles.far]\ndatabase_url = "postgresql+asyncpg://app@db.invalid/shop"\n'
    toml = small.sandbox.path / "myfy.toml"
    toml.write_text(toml.read_text() + far)

    assert dev(small.sandbox, "true").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_command_and_its_answer_is_ours(small: MigratedProject, number: signal.Signals) -> None:
    trap = f"trap 'exit 9' {number.name.removeprefix('SIG')}; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [sys.executable, "-m", "myfy_data", "dev", "--", "sh", "-c", trap],
        cwd=small.sandbox.path,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=RUN_TIMEOUT) == 9


def test_without_a_command_it_waits_for_its_end(small: MigratedProject) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "myfy_data", "dev"],
        cwd=small.sandbox.path,
        env=child_environment(),
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stderr is not None
    with process.stderr:
        while "ready" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=RUN_TIMEOUT) == 0


def test_set_would_not_reach_the_command(small: MigratedProject) -> None:
    done = dev(small.sandbox, "touch", "ran", words=("--set", "pool_size=3"))

    assert done.returncode == 2
    assert not (small.sandbox.path / "ran").exists()


# -- servers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        "db create --profile main",
        "db upgrade --profile main",
        "db seed",
        "db check",
        "shell",
        "sql",
        "explain 'SELECT 1'",
    ],
)
def test_without_an_address_a_command_connects_nowhere_and_the_fix_gives_it_one(
    project: Sandbox, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    if command == "sql":
        require_client("sqlite")
    project.write("myfy.toml", '[data.profiles.main]\ndriver = "postgresql"\nmigrations.metadata = "app:metadata"\n')
    project.write("app.py", "from sqlalchemy import MetaData\nmetadata = MetaData()\n")
    project.write("seeds/main/01-none.toml", "")
    assert project.run("db", "init").returncode == 0

    refused = project.run(*shlex.split(command))
    dev, *child = shlex.split(refused.stderr.partition("fix: myfy-data ")[2])

    assert refused.returncode == 2
    assert "profiles.main: gives a driver and no address, so this would be the server's own default database" in (
        refused.stderr
    )
    url = f"sqlite+aiosqlite:///{project.path}/dev.db"
    found = {"MYFY_DATA_PROFILES__MAIN__DATABASE_URL": (url, RunningServer("sqlite", url, "a file"))}
    monkeypatch.setattr(dev_servers, "served", lambda *_: nullcontext(found))
    monkeypatch.setenv("PYTHONPATH", child_environment()["PYTHONPATH"])
    assert child[:2] == ["--", "myfy-data"]
    assert main([dev, "--", sys.executable, "-m", "myfy_data", *child[2:]]) == 0


WITHOUT_ADDRESS = """\
import asyncio
from sqlalchemy import MetaData
from myfy_data import DataModule
async def main():
    {act}
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "act",
    [
        "await DataModule(auto_create_tables=True, metadata=MetaData()).start()",
        "await DataModule().explain('SELECT 1')",
    ],
)
def test_without_an_address_the_module_makes_and_plans_nothing(project: Sandbox, act: str) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndriver = "postgresql"\n')
    project.write("go.py", WITHOUT_ADDRESS.format(act=act))

    refused = project.python("go.py")

    assert "ConfigError: " in refused.stderr
    assert "profiles.main: gives a driver and no address" in refused.stderr
    assert (
        "fix: start the application by myfy-data dev -- COMMAND, or give the profile a database_url" in refused.stderr
    )


@pytest.mark.parametrize(
    ("command", "fix"),
    [
        ("db drop --yes-drop postgres", "db drop --yes-drop postgres --profile main"),
        ("db reset --yes-drop postgres", "db reset --yes-drop postgres --profile main"),
        ("db reset --no-seed --yes-drop postgres", "db reset --no-seed --yes-drop postgres --profile main"),
        ("db reset", "db reset --profile main"),
        ("db mark --as 'my own'", "db mark --as 'my own' --profile main"),
    ],
)
def test_without_an_address_nothing_is_dropped_or_marked_and_the_fix_is_what_was_asked_for(
    project: Sandbox, command: str, fix: str
) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndriver = "postgresql"\nmigrations.metadata = "app:metadata"\n')

    refused = project.run(*shlex.split(command))

    assert refused.returncode == 2
    assert "gives a driver and no address" in refused.stderr
    assert f"fix: myfy-data dev -- myfy-data {fix}\n" in refused.stderr


@pytest.fixture
def served(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose profile gives a driver only, on a machine where no server runs; yields where the data stays."""
    project.write("myfy.toml", '[data.profiles.main]\ndriver = "postgresql+asyncpg"\n[data.profiles.main.seeds]\n')
    monkeypatch.setattr(dev_servers, "standing_server", lambda _: None)
    keep = Path(tempfile.mkdtemp(dir="/tmp"))  # where root lets the account of a server through
    keep.chmod(0o755)
    monkeypatch.setattr(dev_servers, "kept_directory", lambda _: keep)
    yield keep
    shutil.rmtree(keep)


def test_a_profile_without_an_address_gets_a_server_whose_data_stays(project: Sandbox, served: Path) -> None:
    settings = project.load()
    for expected in (0, 1):
        with dev_servers.served(settings, project.path) as found:
            [(variable, (url, server))] = found.items()
            assert variable == "MYFY_DATA_PROFILES__MAIN__DATABASE_URL"
            assert ask(server.url("postgres"), count_tables) == expected
            ask(server.url("postgres"), make_table)
        assert server.kept is not None
        assert not Path(url.partition("host=")[2]).exists()
    assert [path.name for path in served.iterdir() if path.is_dir()] == ["postgresql-18"]


def test_a_start_is_told_before_it_is_waited_for(
    project: Sandbox, served: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told_before = []
    monkeypatch.setattr(dev_servers, "find_server", lambda *_: told_before.append(capsys.readouterr().err))

    with pytest.raises(ConfigError), dev_servers.served(project.load(), project.path):
        pass

    assert told_before == ["main  starting a PostgreSQL of this project's own\n"]


def test_several_databases_have_a_server_each(project: Sandbox, served: Path) -> None:
    profiles = "".join(f'[data.profiles.{kind}]\ndriver = "{kind}"\n' for kind in ("postgresql", "mariadb"))
    project.write("myfy.toml", f'[data]\ndefault = "mariadb"\n{profiles}')

    with dev_servers.served(project.load(), project.path) as found:
        assert {server.backend for _, server in found.values()} == {"postgresql", "mysql"}


def count_tables(connection: Connection) -> int:
    return connection.scalar(text("SELECT count(*) FROM pg_tables WHERE tablename = 'stays'")) or 0


def make_table(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE IF NOT EXISTS stays (id INTEGER)"))
    connection.commit()


def test_one_dev_at_a_time_has_the_data(project: Sandbox, served: Path) -> None:
    settings = project.load()
    with (
        dev_servers.served(settings, project.path),
        pytest.raises(ConfigError, match="another `myfy-data dev` of this project runs") as caught,
        dev_servers.served(settings, project.path),
    ):
        pass
    assert caught.value.problems[0].fix == f"kill {os.getpid()}"


def test_without_a_server_to_start_the_fix_installs_one(
    project: Sandbox, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "find_embedded", lambda: None)

    with (
        pytest.raises(ConfigError, match="no postgresql server is on this machine") as caught,
        dev_servers.served(project.load(), project.path),
    ):
        pass

    assert caught.value.problems[0].fix == 'pip install "myfy-data[embedded]"'


@pytest.mark.parametrize("key", ['host = "127.0.0.1"', 'database = "shop"', 'query = {host = "/nowhere"}'])
def test_a_configured_address_is_never_replaced(project: Sandbox, key: str) -> None:
    project.write("myfy.toml", f'[data.profiles.main]\ndriver = "postgresql+asyncpg"\n{key}\n')

    with dev_servers.served(project.load(), project.path) as found:
        assert found == {}
