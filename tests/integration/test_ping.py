"""`ping` against real servers: what answers is told, what does not is told in words, and nothing hangs."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests import own_servers
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment

BOUND = 30.0
"""Seconds of `connect_timeout` for a server that answers: a busy machine takes some of them."""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens."""
    with own_servers.closed_port() as port:
        yield port


def write_profiles(project: Sandbox, connect_timeout: float = BOUND, /, **urls: str) -> None:
    """Profiles with these URLs; the first one is the default."""
    limit = f"connect_timeout = {connect_timeout}\n"
    profiles = "".join(f'[data.profiles.{name}]\ndatabase_url = "{url}"\n{limit}' for name, url in urls.items())
    project.write("myfy.toml", f'[data]\ndefault = "{next(iter(urls))}"\n{profiles}')


def test_three_kinds_of_server_answer(project: Sandbox, postgresql_url: str, mysql_url: str) -> None:
    write_profiles(project, main=postgresql_url, shop=mysql_url, lite="sqlite:///./lite.db")

    result = project.run("ping")

    main, shop, lite = result.stdout.splitlines()
    assert result.returncode == 0, result.stderr
    assert main.startswith("main  PostgreSQL ")
    assert shop.startswith("shop  M")
    assert lite.startswith("lite  SQLite ")
    assert all(re.search(r"\d ms +pool 5 \+ 10, waits 30 s$", line) for line in (main, shop, lite))


def test_json_tells_server_latency_and_pool(project: Sandbox, postgresql_url: str) -> None:
    write_profiles(project, main=postgresql_url)

    (answer,) = json.loads(project.run("ping", "--json", "--set", "pool_size=3").stdout)

    assert answer["ok"] is True
    assert answer["server"].startswith("PostgreSQL ")
    assert 0 < answer["latency"] < BOUND
    assert answer["pool"] == {"size": 3, "max_overflow": 10, "timeout": 30.0}


def test_memory_lives_on_one_connection(project: Sandbox) -> None:
    write_profiles(project, main="sqlite://")

    assert json.loads(project.run("ping", "--json").stdout)[0]["pool"]["size"] == 1


def test_a_required_profile_that_is_down_fails_the_command(project: Sandbox, closed_port: int) -> None:
    write_profiles(project, main=f"postgresql://app:hunter2@127.0.0.1:{closed_port}/main", lite="sqlite://")

    result = project.run("ping")

    assert result.returncode == 1
    assert result.stdout.splitlines()[0].startswith("main  failed ")
    assert result.stderr.startswith("profile 'main': cannot connect to ")
    assert "\n  fix: " in result.stderr
    assert "hunter2" not in result.stdout + result.stderr


def test_a_profile_that_is_not_required_may_be_down(project: Sandbox, closed_port: int) -> None:
    write_profiles(project, lite="sqlite://", extra=f"postgresql://127.0.0.1:{closed_port}/main")

    result = project.run("ping")

    assert result.returncode == 0
    assert "extra  failed, not required" in result.stdout
    assert result.stderr.startswith("profile 'extra': ")


def without_default(project: Sandbox, closed_port: int, more: str = "") -> None:
    project.write(
        "myfy.toml",
        f"""
        [data.profiles.lite]
        database_url = "sqlite://"
        [data.profiles.extra]
        database_url = "postgresql://127.0.0.1:{closed_port}/main"
        {more}
        """,
    )


def test_without_a_default_profile_each_one_counts(project: Sandbox, closed_port: int) -> None:
    without_default(project, closed_port)

    assert project.run("ping").returncode == 1


def test_without_a_default_profile_one_may_still_say_that_it_is_not_required(
    project: Sandbox, closed_port: int
) -> None:
    without_default(project, closed_port, "required = false")

    assert project.run("ping").returncode == 0


def test_a_profile_that_was_named_may_not_be_down(project: Sandbox, closed_port: int) -> None:
    write_profiles(project, lite="sqlite://", extra=f"postgresql://127.0.0.1:{closed_port}/main")

    result = project.run("ping", "extra")

    assert result.returncode == 1
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["extra"]


def silent_profiles(project: Sandbox, port: int, connect_timeout: int) -> None:
    urls = {"one": "postgresql://", "two": "mysql://app@", "three": "postgresql://app@"}
    write_profiles(project, connect_timeout, **{name: f"{way}127.0.0.1:{port}/main" for name, way in urls.items()})


def test_servers_that_never_answer_are_told_with_their_deadline(project: Sandbox, silent_port: int) -> None:
    silent_profiles(project, silent_port, connect_timeout=1)

    result = project.run("ping")

    assert result.returncode == 1
    assert result.stderr.count("no answer within 1 s") == 3


def test_servers_are_asked_at_once(project: Sandbox) -> None:
    """Each of three is there before the first was given up, which is after ten minutes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server, ExitStack() as stack:
        silent_profiles(project, server.getsockname()[1], connect_timeout=600)
        command = [sys.executable, "-m", "myfy_data", "ping"]
        process = stack.enter_context(subprocess.Popen(command, cwd=project.path, env=child_environment()))
        stack.callback(process.kill)
        server.settimeout(RUN_TIMEOUT)
        for _ in range(3):
            stack.enter_context(server.accept()[0])


def test_an_inactive_profile_is_left_out(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndriver = "sqlite"\nactive = false\n')

    result = project.run("ping")

    assert (result.returncode, result.stdout) == (0, "no profile is active, so there is nothing to connect to\n")


def test_an_inactive_profile_that_is_named_is_refused_and_the_fix_works(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndriver = "sqlite"\nactive = false\n')

    result = project.run("ping", "default")

    assert result.returncode == 2
    assert result.stderr.startswith("myfy.toml:3:1: profiles.default.active: ")
    fix = result.stderr.rpartition("fix: myfy-data ")[2].split()
    assert project.run(*fix).returncode == 0


def test_options_that_the_driver_does_not_know_are_the_configuration_s_fault(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndriver = "sqlite"\nconnect_args = { nonsense = 1 }\n')

    result = project.run("ping")

    assert result.returncode == 2
    assert result.stdout.startswith("default  misconfigured")
    assert "nonsense" in result.stderr
    assert "Traceback" not in result.stderr


def test_json_tells_the_error(project: Sandbox, closed_port: int) -> None:
    write_profiles(project, main=f"postgresql://127.0.0.1:{closed_port}/main")

    result = project.run("ping", "--json")

    (answer,) = json.loads(result.stdout)
    assert (result.returncode, answer["ok"], answer["server"], answer["latency"]) == (1, False, None, None)
    assert answer["error"].startswith("profile 'main': cannot connect to ")
