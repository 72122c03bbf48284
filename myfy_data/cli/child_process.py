"""Running a command with our own input, output and signals, to its end.

The signals are blocked and waited for, together with the command's end: a handler beside `waitpid` would miss a signal
that comes between the interpreter's look at its signals and the call.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

_FORWARDED = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
"""What only we are sent."""

_OF_TERMINALS = frozenset({signal.SIGINT, signal.SIGQUIT})
"""What a terminal sends to both of us; without one, these are forwarded, too."""

_WAITED_FOR = _FORWARDED | _OF_TERMINALS | {signal.SIGCHLD}


def run_command(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command; its exit code, or 128 and the number of the signal that ended it, as shells say it.

    Raises:
        OSError: there is no such command.
    """
    forwarded = _FORWARDED if sys.stdin.isatty() else _FORWARDED | _OF_TERMINALS
    with _blocked():  # before it starts, so that none is lost
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            command,
            env=dict(environ),
            preexec_fn=_unblock,  # noqa: PLW1509 - no thread of ours runs here
        )
        while process.poll() is None:
            number = signal.sigwait(_WAITED_FOR)
            if number in forwarded:
                process.send_signal(number)
    code = process.returncode
    return 128 - code if code < 0 else code


@contextmanager
def _blocked() -> Iterator[None]:
    """Keep the signals for `sigwait`; those that come when the command has ended are dropped."""
    chld = signal.signal(signal.SIGCHLD, _kept)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED_FOR)
    try:
        yield
    finally:
        while signal.sigpending() & _WAITED_FOR:
            signal.sigwait(_WAITED_FOR)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, chld)


def _kept(_number: int, _frame: object) -> None:
    """Make SIGCHLD pending: while its action is the default, a system may drop it."""


def wait_for_end(tell_ready: Callable[[], None]) -> None:
    """Say that it is ready, and wait until Ctrl-C, SIGTERM or SIGHUP: one sent on that word is the end, too."""
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        tell_ready()
        signal.sigwait(ends)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _unblock() -> None:
    for number in _FORWARDED | _OF_TERMINALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED_FOR)
