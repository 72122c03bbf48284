"""SIGHUP of a real process: it reloads, it leaves other handlers alone, and a closed terminal still ends it (C12.5)."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

import pytest

from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment

APP = """
    import asyncio, logging, signal, sys
    from myfy_data import DataModule

    class Told(logging.Handler):
        def emit(self, record):
            print(record.getMessage().splitlines()[0], flush=True)

    logging.getLogger("myfy_data.reload").addHandler(Told())
    logging.getLogger("myfy_data.reload").setLevel(logging.INFO)

    async def main():
        if "own" in sys.argv:
            signal.signal(signal.SIGHUP, lambda *_: print("mine", flush=True))
        async with DataModule():
            print("started", flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
"""


@contextmanager
def running(project: Sandbox, *arguments: str, more: str = "") -> Iterator[subprocess.Popen[str]]:
    project.write("myfy.toml", f'[data]\ndatabase_url = "sqlite:///app.db"\npool_size = 3\n{more}')
    project.write("app.py", APP)
    with subprocess.Popen(
        [sys.executable, "app.py", *arguments],
        cwd=project.path,
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert line(process) == "started"
            yield process
        finally:
            process.kill()


@contextmanager
def patience(pid: int) -> Iterator[None]:
    """A child that keeps the block waiting for longer is killed, and with that the block ends."""
    over = Timer(RUN_TIMEOUT, os.kill, (pid, signal.SIGKILL))
    over.start()
    try:
        yield
    finally:
        over.cancel()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    with patience(process.pid):
        return process.stdout.readline().strip()


def test_sighup_reloads(project: Sandbox) -> None:
    with running(project) as process:
        project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\npool_size = 7\n')
        process.send_signal(signal.SIGHUP)
        first = line(process)
        project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\npool_sise = 7\n')
        process.send_signal(signal.SIGHUP)
        second = line(process)

    assert first == "applied: profiles.default.pool_size 3 -> 7 (myfy.toml:3:1)"
    assert second == "refused, nothing has changed: 1 problem"


def test_a_file_that_changes_reloads_where_that_is_asked_for(project: Sandbox) -> None:
    with running(project, more="[data.reload]\nwatch = true\ninterval = 0.05\n") as process:
        project.write(
            "new",
            '[data]\ndatabase_url = "sqlite:///app.db"\npool_size = 7\n[data.reload]\nwatch = true\ninterval = 0.05\n',
        )
        (project.path / "new").replace(project.path / "myfy.toml")  # it is never there in part

        assert line(process) == "applied: profiles.default.pool_size 3 -> 7 (myfy.toml:3:1)"


def test_a_handler_of_the_applications_own_stays(project: Sandbox) -> None:
    with running(project, "own") as process:
        process.send_signal(signal.SIGHUP)

        assert line(process) == "mine"


def test_without_it_sighup_means_what_it_means_by_default(project: Sandbox) -> None:
    with running(project, more="[data.reload]\nsighup = false\n") as process:
        process.send_signal(signal.SIGHUP)

        assert process.wait(RUN_TIMEOUT) == -signal.SIGHUP


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="there are terminals of this kind on Unix only")
def test_a_terminal_that_is_closed_ends_the_process(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\n')
    project.write("app.py", APP)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "app.py"], child_environment())
    read = b""
    with patience(pid):
        while b"started" not in read:
            read += os.read(terminal, 1024)

    os.close(terminal)
    with patience(pid):
        _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == -signal.SIGHUP


def test_the_handler_leaves_with_the_module(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///app.db"\n')
    project.write(
        "app.py",
        """
        import asyncio, signal
        from myfy_data import DataModule

        async def main():
            first, second = DataModule(), DataModule()
            await first.start()
            held = signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
            await second.start()
            await first.stop()
            still = signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
            await second.stop()
            print(held, still, signal.getsignal(signal.SIGHUP) is signal.SIG_DFL)

        asyncio.run(main())
        """,
    )

    assert project.python("app.py").stdout == "True True True\n"
