"""A command's end and our signals are heard, whatever thread of ours they come to."""

from __future__ import annotations

import subprocess
import sys

from tests.asyncio_servers import PATIENCE

PROGRAM = """
import os, threading
from myfy_data.cli.child_process import run_command
threading.Thread(target=threading.Event().wait, daemon=True).start()
trap = "trap 'exit 9' HUP; kill -HUP $PPID; while :; do sleep 0.01; done"
for _ in range(20):
    print(run_command(["sh", "-c", trap], os.environ), run_command(["true"], os.environ))
"""


def test_a_signal_and_the_end_are_heard_beside_another_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, encoding="utf-8", timeout=3 * PATIENCE, check=False
    )

    assert (done.returncode, done.stdout) == (0, "9 0\n" * 20), done.stderr
