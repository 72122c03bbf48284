"""Where `database.py` measures: servers of its own, a file in memory, and the rows' processes before them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database_environments import BASE, ROOT, ROWS, python_of

sys.path.insert(0, str(ROOT))

from tests.own_servers import own_mysql, own_postgresql

HERE = Path(__file__).resolve().parent
DELAY = 0.0005
"""Seconds that the farther place is away, one way."""
CONNECTIONS = 400
"""More than all rows hold together."""
DATABASES = ("postgresql", "mariadb", "sqlite")


class CannotRunError(Exception):
    """A row, or a server, cannot run."""


@dataclass(frozen=True)
class Place:
    """A database as the rows reach it.

    Attributes:
        database: one of `DATABASES`.
        delay: seconds of delay, one way.
        url: what the rows connect to.
        straight: the same without the proxy.
        proxy: what delays and counts.
    """

    database: str
    delay: float
    url: str
    straight: str
    proxy: Proxy | None = None

    @property
    def name(self) -> str:
        """The database and the delay, in milliseconds."""
        return f"{self.database} {self.delay * 1000:g} ms"


class Process:
    """A program that answers each line that it is told with a line."""

    def __init__(self, stack: ExitStack, *command: object) -> None:
        others = ("MYFY_", "PYTHON", "FASTAPI_SQLA", "SQLALCHEMY_")
        environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(others)}
        self._process = subprocess.Popen(
            [*map(str, command)],
            env=environment | {"PYTHONPATH": str(HERE)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        stack.callback(self._end)

    def hear(self) -> str:
        """The next line that it says.

        Raises:
            CannotRunError: it has ended.
        """
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        if line := self._process.stdout.readline():
            return line
        raise CannotRunError(f"it ended with exit code {self._process.wait()}")

    def ask(self, line: str) -> str:
        """Tell it a line; its answer."""
        assert self._process.stdin is not None  # noqa: S101 - as above
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.hear()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


class Proxy:
    """The process of `database_proxy.py` before a port of this machine."""

    def __init__(self, stack: ExitStack, target: int) -> None:
        self._process = Process(stack, sys.executable, HERE / "database_proxy.py", target)
        self.port = int(self._process.hear())

    def round_trips(self, delay: float) -> int:
        """Round trips until now; from now on it delays by so many seconds."""
        return int(self._process.ask(str(delay)))


class Child:
    """The process of one row."""

    def __init__(self, stack: ExitStack, row: str) -> None:
        self.row = row
        chosen = ROWS[row]
        command = (HERE / "database_child.py", chosen.module, int(chosen.pre_ping))
        self._process = Process(stack, python_of(chosen.environment), *command)

    def do(self, command: str, **details: Any) -> Any:
        """Have a command done; its answer.

        Raises:
            CannotRunError: it failed.
        """
        try:
            answer = json.loads(self._process.ask(json.dumps({"do": command} | details)))
        except BrokenPipeError:
            raise CannotRunError("it ended before it was asked") from None
        if "failed" in answer:
            raise CannotRunError(answer["failed"])
        return answer["answer"]


@contextmanager
def places(databases: Sequence[str]) -> Iterator[list[Place]]:
    """The databases, each with its table, near and far; they end with the block.

    Raises:
        CannotRunError: a server is not installed.
    """
    with ExitStack() as stack:
        straight = [(name, address(name, stack)) for name in databases]
        for _, url in straight:
            tables("make", url)
        yield [place for name, url in straight for place in _near_and_far(name, url, stack)]


def _near_and_far(name: str, url: str, stack: ExitStack) -> list[Place]:
    near = Place(name, 0.0, url, url)
    if name == "sqlite":
        return [near]
    port = int(url.rpartition(":")[2].partition("/")[0])
    proxy = Proxy(stack, port)
    return [near, Place(name, DELAY, url.replace(f":{port}/", f":{proxy.port}/"), url, proxy)]


def address(name: str, stack: ExitStack) -> str:
    """The URL of a database of our own, which ends with the stack.

    Raises:
        CannotRunError: its server is not installed.
    """
    if name == "sqlite":
        # In memory where that can be had: how fast the disk is says nothing about the rows.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a directory of our own in it
        directory = stack.enter_context(tempfile.TemporaryDirectory(dir=memory))
        return f"sqlite+aiosqlite:///{directory}/bench.db"
    if name == "postgresql":
        started = stack.enter_context(own_postgresql(lambda _: ["-c", f"max_connections={CONNECTIONS}"]))
        scheme, database = "postgresql+asyncpg", "postgres"
    else:
        started = stack.enter_context(own_mysql(lambda _: [f"--max-connections={CONNECTIONS}"]))
        scheme, database = "mysql+aiomysql", "bench"
    if started is None:
        raise CannotRunError(f"{name} is not installed")
    host, port, user = started
    return f"{scheme}://{user}@{host}:{port}/{database}"


def tables(what: str, url: str, python: str | Path | None = None) -> list[int]:
    """Have the table made or counted, by plain SQLAlchemy's interpreter or another; the numbers that were printed."""
    command = [python or python_of(BASE), HERE / "database_tables.py", what, url]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return [int(number) for number in done.stdout.split()]
