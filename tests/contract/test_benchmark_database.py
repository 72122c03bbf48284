"""The benchmark of units of work still runs, up to the peers themselves, which tests do not install."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

from tests.benchmarking import BENCHMARKS, python
from tests.sandbox import RUN_TIMEOUT

OPERATE = """
import asyncio, sys
from database_child import Row

async def operate():
    row = Row(sys.argv[1], pre_ping=True)
    await row.open("here", sys.argv[2])
    await row.check("here")
    for operation in ("read", "insert", "change"):
        await row.run("here", operation, 2)
    print((await row.slot("here", "read", 2, 0.01))["count"] > 0, await row.end())

asyncio.run(operate())
"""

COMPARE = """
from database_aims import aims
from database_page import write_page
from database_samples import Cell, Results, Sample
from pathlib import Path
import sys

cell = Cell("sqlite 0 ms", "read", 1)
def samples(*rates): return [Sample(rate, 100, [1000, 2000]) for rate in rates]
results = Results(["here"], {("ours", cell): samples(220, 190), ("plain", cell): samples(200, 100)})
print(aims(results)[0].measured, aims(results)[0].is_met)
page = Path(sys.argv[1])
write_page(page, results)
write_page(page, results)
"""


@pytest.mark.parametrize("row", ["raw", "plain", "ours"])
def test_a_row_stores_what_it_says(row: str, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'bench.db'}"
    made = python(BENCHMARKS / "database_tables.py", "make", url)

    done = python("-c", OPERATE, row, url)

    counted = python(BENCHMARKS / "database_tables.py", "count", url)
    assert (made.returncode, done.returncode) == (0, 0), made.stderr + done.stderr
    assert done.stdout.startswith("True {'read': ")
    assert done.stdout.endswith(", 'insert': 3, 'change': 2}\n")
    assert counted.stdout == "3 4\n"


def test_ratios_are_taken_within_a_repetition_and_the_page_is_renewed(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    begin, end = "<!-- Made by `make bench-database`: do not edit from here ... -->", "<!-- ... to here. -->"
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")

    done = python("-c", COMPARE, page)

    written = page.read_text(encoding="utf-8")
    assert done.stdout == "1.10 / 1.50 / 1.90, best 1.10 True\n", done.stderr
    assert written.startswith(f"before\n{begin}\n\n![")
    assert written.endswith(f"{end}\nafter\n")
    assert ("old" in written, written.count("1.10 / **1.50** / 1.90")) == (False, 1)
    assert "1.50</text>" in page.with_suffix(".svg").read_text(encoding="utf-8")


def test_the_proxy_counts_what_was_answered() -> None:
    """Two packets before the answer are one round trip."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, str(BENCHMARKS / "database_proxy.py"), str(server.getsockname()[1])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as proxy:
            assert proxy.stdin
            assert proxy.stdout
            echo = Thread(target=answer_each_line, args=(server,))
            echo.start()
            with socket.create_connection(("127.0.0.1", int(proxy.stdout.readline()))) as client:
                for packets in ([b"one\n"], [b"tw", b"o\n"]):
                    for packet in packets:
                        client.sendall(packet)
                    assert client.recv(100) == b"".join(packets)
                print("0.0005", file=proxy.stdin, flush=True)
                counted = proxy.stdout.readline()
            echo.join(RUN_TIMEOUT)
            proxy.stdin.close()

    assert counted == "2\n"


def answer_each_line(server: socket.socket) -> None:
    client, _ = server.accept()
    with client, client.makefile("rb") as lines:
        for line in lines:
            client.sendall(line)
