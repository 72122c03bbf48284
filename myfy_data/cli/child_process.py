"""Running a command with our own input, output and signals, to its end.

Signals are read from a socket that the interpreter writes them to. A handler beside `waitpid` would miss one that comes
between the interpreter's look at its signals and the call, and `sigwait` one that another thread takes.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

_FORWARDED = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
"""What only we are sent."""

_OF_TERMINALS = frozenset({signal.SIGINT, signal.SIGQUIT})
"""What a terminal sends to both of us; without one, these are forwarded, too."""


def run_command(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command; its exit code, or 128 and the number of the signal that ended it, as shells say it.

    Raises:
        OSError: there is no such command.
    """
    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    forwarded = _FORWARDED if has_terminal else _FORWARDED | _OF_TERMINALS
    # Before it starts, so that none is lost; what is handled here is the default again in the command.
    with _received(_FORWARDED | _OF_TERMINALS | {signal.SIGCHLD}) as receive:
        process = subprocess.Popen(command, env=dict(environ))  # noqa: S603 - the user's own command
        while process.poll() is None:
            for number in receive():
                if number in forwarded:
                    process.send_signal(number)
    code = process.returncode
    return 128 - code if code < 0 else code


def wait_for_end(tell_ready: Callable[[], None]) -> None:
    """Say that it is ready, and wait until Ctrl-C, SIGTERM or SIGHUP: one sent on that word is the end, too."""
    with _received({signal.SIGINT, signal.SIGTERM, signal.SIGHUP}) as receive:
        tell_ready()
        receive()


@contextmanager
def _received(numbers: Collection[signal.Signals]) -> Iterator[Callable[[], bytes]]:
    """Yields what waits for some of these signals and gives their numbers."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        earlier = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        before = {number: signal.getsignal(number) for number in numbers if not _stays_ignored(number)}
        try:
            for number in before:
                signal.signal(number, _receive)
            yield lambda: ours.recv(64)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(earlier)


def _stays_ignored(number: signal.Signals) -> bool:
    """Whether a signal is ignored on purpose, as under nohup; shells let all in their background ignore SIGINT."""
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN


def _receive(_number: int, _frame: object) -> None:
    """Do nothing: the number is in the socket already."""
