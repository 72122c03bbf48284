"""One application under uvicorn, and the load on it: what `hosts.py` measures with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hosts_environments import python_of

HERE = Path(__file__).resolve().parent
READ, INSERT = "read", "insert"
OPERATIONS = (READ, INSERT)
ROWS = 1000
"""How many rows the table has when the load begins."""

_ADDRESS = re.compile(r"Uvicorn running on (http://\S+)")
_REQUESTS = {
    READ: f'request = function() return wrk.format("GET", "/items/" .. math.random(1, {ROWS})) end',
    INSERT: 'request = function() return wrk.format("POST", "/items/something") end',
}
_TICKS = os.sysconf("SC_CLK_TCK")


class CannotRunError(Exception):
    """An application does not start, or answers wrongly."""


@dataclass(frozen=True)
class Row:
    """One application: a library on a host, with or without a ping of idle connections."""

    host: str
    library: str
    ping: bool

    def __str__(self) -> str:
        return f"{self.library.replace('_', '-')}{'' if self.ping else ', no ping'}"


@dataclass(frozen=True)
class Sample:
    """One slot of load: requests per second, the server's CPU microseconds per request, the slowest percent in ms."""

    rate: float
    cpu: float
    p99: float


class Server:
    """An application of `host_apps` in a process of its own.

    Args:
        row: which.
        url: the database.
        stack: ends the process.

    Raises:
        CannotRunError: it does not start, or answers wrongly.
    """

    def __init__(self, row: Row, url: str, stack: ExitStack) -> None:
        self.row = row
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MYFY_", "PYTHON"))}
        environment |= {"BENCH_URL": url, "BENCH_PRE_PING": str(int(row.ping)), "PYTHONPATH": str(HERE)}
        words = ["--port", "0", "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-use-colors"]
        self._process = subprocess.Popen(
            [python_of(row.library), "-m", "uvicorn", f"host_apps.{row.host}_{row.library}:app", *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        stack.callback(self._end)
        self.address = self._await_address()
        self._check()

    def _end(self) -> None:
        self._process.terminate()
        self._process.communicate()

    def _await_address(self) -> str:
        said = []
        for line in self._process.stderr or ():
            if found := _ADDRESS.search(line):
                return found[1]
            said.append(line.strip())
        raise CannotRunError(said[-1] if said else "it ended at once")

    def _check(self) -> None:
        """No row may win by doing less than the others: what was stored must be there in the next request."""
        stored = self._ask("POST", "/items/something")
        if self._ask("GET", f"/items/{stored['id']}") != {"id": stored["id"], "name": "something"}:
            raise CannotRunError(f"answers wrongly: {stored}")

    def _ask(self, method: str, path: str) -> dict[str, object]:
        request = urllib.request.Request(self.address + path, method=method)  # noqa: S310 - our own server
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            answer: dict[str, object] = json.load(response)
        return answer

    def measure(self, operation: str, seconds: int, connections: int, work: Path) -> Sample:
        """Load it with one operation for some seconds.

        Raises:
            CannotRunError: a request failed.
        """
        script = work / f"{operation}.lua"
        script.write_text(_REQUESTS[operation] + "\n", encoding="utf-8")
        began = self._cpu()
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=30s", "--latency", "-s", str(script)]
        done = subprocess.run(
            ["wrk", *options, self.address],  # noqa: S607 - wherever it is installed
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        cpu = self._cpu() - began
        said = done.stdout + done.stderr
        if done.returncode or "Non-2xx" in said or "Socket errors" in said:
            raise CannotRunError(f"{operation}: {said.strip().splitlines()[-1]}")
        requests = int(_number(r"(\d+) requests in", said))
        p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()  # type: ignore[union-attr]  # wrk says so
        return Sample(_number(r"Requests/sec:\s+([\d.]+)", said), cpu / requests * 1e6, float(p99) * _MS[unit])

    def _cpu(self) -> float:
        """Seconds of processor time that the server used since it began."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise CannotRunError(f"wrk said nothing of {pattern}: {text}")
    return float(found[1])
