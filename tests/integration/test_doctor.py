"""`doctor`: a broken set-up for each check, on real servers, and the fix that mends it (contract C12.6)."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections import namedtuple
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from myfy_data.cli.app import main
from myfy_data.cli.doctor import files, packages, server
from myfy_data.cli.doctor.examine import examine
from myfy_data.cli.doctor.finding import Finding, exit_code
from myfy_data.settings.urls import ConnectionURL
from tests.integration.test_ping import closed_port
from tests.migrating import MigratedProject, fresh_database
from tests.pgbouncer import own_pgbouncer
from tests.sandbox import Sandbox
from tests.servers import required

__all__ = ["closed_port"]

on_servers = pytest.mark.parametrize(
    "kind",
    [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mysql", marks=pytest.mark.mysql)],
)


@pytest.fixture
def own_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database that a test may change."""
    with fresh_database(kind, request, tmp_path) as url:
        yield url


def write(project: Sandbox, url: str, further: str = "", environment: str = "development") -> None:
    head = f'[data]\ndefault = "main"\nenvironment = "{environment}"\n'
    project.write("myfy.toml", f'{head}[data.profiles.main]\ndatabase_url = "{url}"\n{further}')


def look(project: Sandbox, check: str) -> Finding | None:
    """The finding of one check, None when there is none."""
    found = {finding.check: finding for finding in examine(project.load())}
    return found.get(check)


def told(project: Sandbox, check: str) -> tuple[str, str]:
    """Status and fix of one check."""
    finding = look(project, check)
    assert finding is not None, check
    return finding.status, finding.fix


def run(url: str, statement: str) -> None:
    """Run a statement on a connection of its own."""

    async def execute() -> None:
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))

    asyncio.run(execute())


@on_servers
def test_a_good_set_up_is_well(project: Sandbox, own_url: str) -> None:
    write(project, own_url)
    findings = examine(project.load())

    assert exit_code(findings) == 0, [finding for finding in findings if finding.status != "ok"]
    assert {"configuration", "packages", "driver", "connection", "role", "version", "tls", "clock", "connections"} <= {
        finding.check for finding in findings
    }


@pytest.mark.parametrize("driver", ["asyncpg", "aiomysql"])
def test_a_driver_that_is_not_installed(project: Sandbox, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = {"asyncpg": "postgresql", "aiomysql": "mysql"}[driver]
    write(project, f"{backend}://app@127.0.0.1/shop")
    monkeypatch.setitem(sys.modules, driver, None)

    assert told(project, "driver") == ("fail", f"pip install 'myfy-data[{backend}]'")
    assert look(project, "connection") is None


def test_a_server_that_is_not_there(project: Sandbox, closed_port: int) -> None:
    write(project, f"postgresql://app:CANARY-pw@127.0.0.1:{closed_port}/shop")
    finding = look(project, "connection")

    assert finding is not None
    assert (finding.status, bool(finding.fix), "CANARY" in str(finding)) == ("fail", True, False)


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_server_that_takes_no_writes(project: Sandbox, own_url: str, kind: str) -> None:
    run(own_url, f"ALTER DATABASE {own_url.rpartition('/')[2]} SET default_transaction_read_only = on")
    write(project, own_url)
    before = told(project, "role")
    write(project, own_url, "read_only = true\n")

    assert before == ("fail", "profiles.main.read_only = true")
    assert told(project, "role") == ("ok", "")


@on_servers
def test_a_version_that_is_not_mended_any_more(project: Sandbox, own_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, own_url)
    monkeypatch.setitem(server.SUPPORT_ENDS, "MySQL 9", date(2098, 1, 1))  # a release between two is not judged
    monkeypatch.setattr(server, "today", lambda: date(2099, 1, 1))

    assert told(project, "version")[0] == "warn"


@on_servers
def test_a_connection_in_clear_to_another_machine(
    project: Sandbox, own_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, own_url, 'tls = "disable"\n')
    monkeypatch.setattr(ConnectionURL, "is_loopback", False)

    assert told(project, "tls") == ("warn", 'profiles.main.tls = "verify-full"')


@on_servers
@pytest.mark.parametrize("seconds", [60.0, -60.0])
def test_a_clock_that_is_away(project: Sandbox, own_url: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, own_url)
    now = server.now
    monkeypatch.setattr(server, "now", lambda: now() + seconds)

    assert told(project, "clock") == ("warn", "timedatectl set-ntp true")


@on_servers
def test_more_connections_than_the_server_takes(project: Sandbox, own_url: str) -> None:
    write(project, own_url, "pool_size = 5000\n")
    status, fix = told(project, "connections")
    write(project, own_url, fix.partition(" (")[0].replace(", ", "\n"))

    assert status == "warn"
    assert told(project, "connections") == ("ok", "")


@on_servers
def test_instances_count(project: Sandbox, own_url: str) -> None:
    write(project, own_url, "[data.capacity]\ninstances = 1000\n")

    assert told(project, "connections")[0] == "warn"


@on_servers
def test_no_limit_at_all(project: Sandbox, own_url: str) -> None:
    write(project, own_url, "max_overflow = -1\n")

    assert told(project, "connections") == ("warn", "profiles.main.max_overflow = 10")


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_server_in_production_that_limits_nothing(project: Sandbox, own_url: str, kind: str) -> None:
    write(project, own_url, environment="production")
    statuses = []
    for _ in range(3):
        status, fix = told(project, "timeouts")
        statuses.append(status)
        if fix:
            run(own_url, fix)

    assert statuses == ["warn", "warn", "ok"], "each fix mends one of the two"


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_server_in_production_without_statistics(project: Sandbox, own_url: str, kind: str) -> None:
    write(project, own_url, environment="production")

    assert told(project, "statistics") == ("warn", "CREATE EXTENSION pg_stat_statements")


def test_a_pooler_that_the_profile_does_not_know_of(project: Sandbox, postgresql_url: str) -> None:
    with required("pgbouncer"), own_pgbouncer(postgresql_url) as url:
        write(project, url, 'tls = "disable"\n')
        findings = [finding for finding in examine(project.load()) if finding.status == "fail"]

    assert [(finding.profile, "pgbouncer" in finding.fix) for finding in findings] == [("main", True)]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_migrations_that_have_to_run(project: Sandbox, own_url: str, kind: str) -> None:
    migrated = MigratedProject(project, {"main": own_url})
    migrated.init()
    migrated.revision("one", "table('one')")
    if kind == "sqlite":
        run(own_url, "CREATE TABLE other (id INTEGER)")
    before = told(project, "migrations")
    migrated.upgrade()

    assert before == ("warn", "myfy-data db upgrade --profile main")
    assert told(project, "migrations") == ("ok", "")


def test_a_folder_that_is_not_there(project: Sandbox) -> None:
    write(project, "sqlite:///data/app.db")

    assert told(project, "file") == ("fail", f"mkdir -p {project.path / 'data'}")


def test_a_file_that_is_not_there_does_not_come_into_being(project: Sandbox) -> None:
    write(project, "sqlite:///app.db")

    assert told(project, "file")[0] == "warn"
    assert not (project.path / "app.db").exists()


def test_a_network_file_system(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = project.write("mounts", f"/dev/sda1 / ext4 rw 0 0\nserver:/home {project.path} nfs4 rw 0 0\n")
    monkeypatch.setattr(files, "MOUNTS", mounts)
    write(project, "sqlite:///app.db")

    assert told(project, "filesystem")[0] == "fail"


def test_a_disk_that_is_full(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(100, 99, 2**20))
    write(project, "sqlite:///app.db")

    assert told(project, "room") == ("warn", f"df -h {project.path}")


def test_an_instrumentation_that_does_nothing(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"sqlalchemy": "2.1.9", "opentelemetry-instrumentation-sqlalchemy": "0.66b1"}
    monkeypatch.setattr(packages, "installed_version", versions.__getitem__)
    write(project, "sqlite:///app.db")

    assert told(project, "packages") == ("warn", "pip uninstall opentelemetry-instrumentation-sqlalchemy")


def test_a_wrong_configuration_ends_with_2(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "sqlite:///app.db", "pool_sise = 5\n")

    assert main(["doctor", "--json"]) == 2
    assert [set(problem) for problem in json.loads(capsys.readouterr().out)["problems"]] == [
        {"place", "key", "message", "facts", "fix"}
    ]


def test_a_secret_that_everybody_may_read(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    secret = project.write("secret.txt", "CANARY-pw")
    project.path.chmod(0o755)
    secret.chmod(0o644)
    write(project, "postgresql://app@127.0.0.1:1/shop", 'password_file = "secret.txt"\n')
    code = main(["doctor", "--json"])
    told = capsys.readouterr().out
    [finding] = [each for each in json.loads(told) if each["check"] == "configuration"]

    assert (code, finding["status"], "CANARY" in told) == (2, "warn", False)
    assert finding["fix"].startswith("chmod ")


def test_json_is_a_list_with_five_words_for_each(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "sqlite:///app.db")
    code = main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)

    assert code == 1, "the file is not there yet"
    assert all(set(finding) == {"check", "profile", "status", "message", "fix"} for finding in findings)


def test_on_a_terminal_each_finding_has_its_line(project: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, "sqlite:///data/app.db")
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()

    assert code == 2
    assert f"fail  file           main: there is no directory {project.path / 'data'}" in lines
    assert f"  fix: mkdir -p {project.path / 'data'}" in lines
