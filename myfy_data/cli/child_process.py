"""Running a command with our own input, output and signals, to its end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What only we are sent."""

_OF_TERMINALS = (signal.SIGINT, signal.SIGQUIT)
"""What a terminal sends to both of us; without one, these are forwarded, too."""


def run_command(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command; its exit code, or 128 and the number of the signal that ended it, as shells say it.

    Raises:
        OSError: there is no such command.
    """
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if started:
            started[0].send_signal(number)
        else:
            early.append(number)

    with _handled(forward):  # before it starts, so that none is lost
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            command,
            env=dict(environ),
            preexec_fn=_restore,  # noqa: PLW1509 - no thread of ours runs here
        )
        started.append(process)
        for number in early:
            process.send_signal(number)
        code = process.wait()
    return 128 - code if code < 0 else code


@contextmanager
def _handled(forward: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    of_terminals = signal.SIG_IGN if sys.stdin.isatty() else forward
    handlers = {**dict.fromkeys(_FORWARDED, forward), **dict.fromkeys(_OF_TERMINALS, of_terminals)}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for_end() -> None:
    """Wait until Ctrl-C, SIGTERM or SIGHUP."""
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        signal.sigwait(ends)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)


def _restore() -> None:
    for number in (*_FORWARDED, *_OF_TERMINALS):
        signal.signal(number, signal.SIG_DFL)
