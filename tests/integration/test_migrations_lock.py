"""The lock of a database: which process waits for which, for how long, and which need not (contract C8, ADR 0012)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from myfy_data import MigrationError, MigrationLockError
from tests.databases import PERSISTENT, SERVERS
from tests.integration.test_migrations_half_done import AT_WORK, END
from tests.migrating import WAIT_LIMIT, MigratedProject, migrated, wait_until
from tests.sandbox import Sandbox

WAITS = """\
note("002")
while "go" not in NOTES.read_text():
    time.sleep(0.02)
"""


@contextmanager
def busy(app: MigratedProject) -> Iterator[subprocess.Popen[str]]:
    """Another process is in the middle of revision 002, until the block ends or `go` is noted."""
    app.revision("002", WAITS, parent="001")
    other = app.start("upgrade")
    try:
        wait_until(lambda: "002" in app.noted() or other.poll() is not None)
        yield other
    finally:
        with app.notes.open("a") as file:
            file.write("go\n")
        output = other.communicate()
    assert other.returncode == 0, output


@pytest.mark.parametrize("kind", PERSISTENT)
def test_the_wait_is_bounded_and_tells_who_holds_the_lock(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")')
        with busy(app) as other:
            error = app.failure(lock_timeout=0.1)

    assert isinstance(error, MigrationLockError)
    assert (error.profile, error.waited) == ("main", 0.1)
    if kind == "mysql":
        assert "(server connection " in error.holder
    else:
        assert str(other.pid) in error.holder


@pytest.mark.parametrize("kind", PERSISTENT)
def test_a_lock_that_could_not_be_had_is_waited_for_as_the_fix_says(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")')
        with busy(app):
            told = app.db("upgrade", "--lock-timeout", "0").stderr
            longer = told.partition("wait longer, with ")[2].partition(" or ")[0]
            second = app.start("upgrade", *longer.split())
            assert second.stderr is not None
            assert second.stderr.readline().split()[1] == "waiting"
        output, errors = second.communicate()

    assert longer == "--lock-timeout 60"
    assert second.returncode == 0, errors
    assert "nothing to do" in output


@pytest.mark.parametrize("kind", PERSISTENT)
def test_the_holder_of_a_lock_is_ended_as_the_fix_says(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")')
        app.upgrade()
        app.revision("002", WAITS, parent="001")
        other = app.start("upgrade")
        wait_until(lambda: "002" in app.noted() or other.poll() is not None)

        fix = app.db("upgrade", "--lock-timeout", "0").stderr.partition("or end the other one: ")[2].strip()
        if kind == "sqlite":
            subprocess.run(["sh", "-c", fix], check=True)
        else:
            app.change(fix)
        with app.notes.open("a") as file:
            file.write("go\n")
        other.communicate()

        assert other.returncode != 0
        assert app.upgrade().after == ("002",)


@pytest.mark.parametrize("kind", PERSISTENT)
def test_at_head_nobody_waits_for_the_lock(kind: str, project: Sandbox, request: pytest.FixtureRequest) -> None:
    with migrated(project, request, main=kind) as app:
        app.revision("001", 'table("a")')
        app.upgrade()
        with busy(app):
            app.sandbox.path.joinpath("migrations/main/versions/002.py").unlink()  # older code: 001 is its head

            assert app.upgrade(lock_timeout=0).outcome == "nothing to do"


@pytest.mark.parametrize("kind", SERVERS)
def test_a_killed_process_holds_the_lock_until_the_server_has_finished_its_statement(
    kind: str, project: Sandbox, request: pytest.FixtureRequest
) -> None:
    """On a connection of its own the lock would be free, and the next process would run into the first one's work."""
    sleep = "SELECT pg_sleep({})" if kind == "postgresql" else "SELECT SLEEP({})"
    with migrated(project, request, main=kind) as app:
        app.notes.write_text("600")
        app.revision("001", f'table("a")\nop.execute("{sleep}".format(NOTES.read_text()))')
        other = app.start("upgrade")
        wait_until(lambda: other.poll() is not None or app.rows(AT_WORK[kind]) != [])
        other.kill()
        other.communicate()

        if kind == "postgresql":
            assert app.failure(lock_timeout=0).reason.startswith("another process migrates")
        for (session,) in app.rows(AT_WORK[kind]):
            app.change(END[kind].format(session))
        app.notes.write_text("0")
        assert app.upgrade().after == ("001",)
        assert "a" in app.tables()


@pytest.mark.postgresql
def test_create_index_concurrently_does_not_wait_for_those_who_wait_for_the_lock(
    project: Sandbox, request: pytest.FixtureRequest
) -> None:
    """It waits for every transaction with an older snapshot; a process that waits for the lock must not have one."""
    index = """\
note("002")
while "go" not in NOTES.read_text():
    time.sleep(0.02)
with op.get_context().autocommit_block():
    op.create_index("ix", "a", ["id"], postgresql_concurrently=True)
"""
    with migrated(project, request, main="postgresql") as app:
        app.revision("001", 'table("a")')
        app.revision("002", index, parent="001")
        first = app.start("upgrade")
        wait_until(lambda: "002" in app.noted())
        second = app.start("upgrade")
        assert second.stderr is not None
        waiting = second.stderr.readline()
        with app.notes.open("a") as file:
            file.write("go\n")
        outputs = [process.communicate(timeout=WAIT_LIMIT)[0] for process in (first, second)]

        assert "waiting for myfy-data db" in waiting
        assert "upgraded" in outputs[0]
        assert "nothing to do" in outputs[1]
        assert app.noted().count("002") == 1


def test_through_pgbouncer_nothing_is_migrated(project: Sandbox, postgresql_url: str) -> None:
    app = MigratedProject(project, {"main": postgresql_url}, "[data.profiles.main]\n".replace("[", "# ["))
    app.init()
    app.revision("001", 'table("a")')
    project.setenv("MYFY_DATA_PROFILES__MAIN__POOLER", "pgbouncer")

    error = app.failure()

    assert type(error) is MigrationError

    url, pooler = re.findall(r"(MYFY_DATA_\w+)", error.fix)
    project.setenv(url, postgresql_url)
    project.setenv(pooler, error.fix.rpartition("=")[2])

    app.upgrade()

    assert "a" in app.tables()
