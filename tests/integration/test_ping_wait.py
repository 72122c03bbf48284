"""`ping --wait`: until the required profiles answer, or the time is over (contract C12.1)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from sqlalchemy import make_url

from tests.asyncio_servers import close_server
from tests.integration.test_ping import closed_port, silent_port
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment
from tests.tcp_proxy import Relay

__all__ = ["closed_port", "silent_port"]

LONG = "600"


def write(project: Sandbox, url: str, further: str = "") -> None:
    project.write("myfy.toml", f'[data]\ndefault = "main"\n[data.profiles.main]\ndatabase_url = "{url}"\n{further}')


def test_what_answers_is_not_waited_for(project: Sandbox) -> None:
    write(project, "sqlite:///app.db")

    result = project.run("ping", "--wait", LONG)

    assert (result.returncode, result.stdout.split()[:2]) == (0, ["main", "SQLite"])


async def test_it_ends_when_the_server_has_started(project: Sandbox, postgresql_url: str) -> None:
    """Who comes first is refused; who comes next is led to the real server."""
    real = make_url(postgresql_url)
    relay, refused = Relay(real.host or "127.0.0.1", real.port or 5432), asyncio.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if refused.is_set():
            await relay.accept(reader, writer)
        else:
            writer.transport.abort()
            refused.set()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    write(project, f"postgresql://{real.username}@127.0.0.1:{port}/{real.database}")
    command = [sys.executable, "-m", "myfy_data", "ping", "--wait", LONG]
    process = subprocess.Popen(command, cwd=project.path, env=child_environment(), stdout=subprocess.PIPE, text=True)
    async with asyncio.timeout(RUN_TIMEOUT):
        out, _ = await asyncio.to_thread(process.communicate)
    await close_server(server)
    await relay.close()

    assert refused.is_set()
    assert (process.returncode, out.split()[:2]) == (0, ["main", "PostgreSQL"])


@pytest.mark.parametrize("port", ["closed_port", "silent_port"])
def test_when_the_time_is_over_the_exit_code_is_1(project: Sandbox, port: str, request: pytest.FixtureRequest) -> None:
    write(project, f"postgresql://app@127.0.0.1:{request.getfixturevalue(port)}/shop", "connect_timeout = 600\n")

    result = project.run("ping", "--wait", "0.2", "--json")

    assert (result.returncode, json.loads(result.stdout)[0]["ok"]) == (1, False)


def test_a_server_that_stays_silent_is_told_with_a_longer_wait(project: Sandbox, silent_port: int) -> None:
    write(project, f"postgresql://app@127.0.0.1:{silent_port}/shop", "connect_timeout = 600\n")

    result = project.run("ping", "--wait", "0.2")

    assert result.stderr == "profile 'main': no answer within the 0.2 s of --wait\n  fix: --wait 0.4\n"


def test_a_profile_that_is_not_required_is_not_waited_for(project: Sandbox, closed_port: int) -> None:
    other = f'[data.profiles.other]\ndatabase_url = "postgresql://app@127.0.0.1:{closed_port}/shop"\n'
    write(project, "sqlite:///app.db", other)

    result = project.run("ping", "--wait", LONG)

    assert result.returncode == 0


@pytest.mark.parametrize("further", ["pool_sise = 5\n", 'isolation_level = "SERIALIZABEL"\n'])
def test_a_wrong_configuration_is_not_waited_for(project: Sandbox, closed_port: int, further: str) -> None:
    write(project, f"postgresql://app@127.0.0.1:{closed_port}/shop", further)

    assert project.run("ping", "--wait", LONG).returncode == 2


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_what_is_no_time_is_refused(project: Sandbox, seconds: str) -> None:
    write(project, "sqlite:///app.db")

    assert project.run("ping", "--wait", seconds).returncode == 2
