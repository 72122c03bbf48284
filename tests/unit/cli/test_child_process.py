"""A command's end and our signals are heard, whatever thread of ours they come to."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sandbox import RUN_TIMEOUT

PROGRAM = """
import os, threading
from myfy_data.cli.child_process import run_command
threading.Thread(target=threading.Event().wait, daemon=True).start()
trap = "trap 'exit 9' HUP; kill -HUP $PPID; while :; do sleep 0.01; done"
for _ in range(20):
    print(run_command(["sh", "-c", trap], os.environ), run_command(["true"], os.environ))
"""

IGNORES = """
import os, signal, sys
from myfy_data.cli.child_process import run_command
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.close(0)
sys.stdin = None
print(run_command(["sh", "-c", "kill -HUP $$; kill -HUP $PPID; exit 3"], os.environ))
"""


@pytest.mark.parametrize(("program", "printed"), [(PROGRAM, "9 0\n" * 20), (IGNORES, "3\n")], ids=["heard", "ignored"])
def test_a_signal_and_the_end_are_heard_as_the_process_was_started(program: str, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=RUN_TIMEOUT, check=False
    )

    assert (done.returncode, done.stdout) == (0, printed), done.stderr
