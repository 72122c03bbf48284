"""The tree of commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence

import click

from myfy_data import __version__
from myfy_data.cli import output
from myfy_data.cli.command_classes import LazyCommands, SuggestingGroup
from myfy_data.errors import ConfigError, DataModuleError, Problem

PROGRAM = "myfy-data"

FAILED = 1
BAD_CONFIGURATION = 2
INTERRUPTED = 130
"""128 + SIGINT, as shells say it."""
READER_IS_GONE = 141
"""128 + SIGPIPE: what the output was piped into has ended."""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class NobodyReadsError(Exception):
    """What the output was piped into has ended; told apart because click answers a broken pipe by itself."""


class _Root(SuggestingGroup):
    def invoke(self, ctx: click.Context) -> object:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            raise NobodyReadsError from None
        return code


_COMMANDS = {
    "new": "myfy_data.cli.new:new",
    "ping": "myfy_data.cli.ping:ping",
    "doctor": "myfy_data.cli.doctor.command:doctor",
    "explain": "myfy_data.cli.explain:explain",
    "dev": "myfy_data.cli.dev.command:dev",
    "shell": "myfy_data.cli.shell.command:shell",
    "sql": "myfy_data.cli.shell.sql:sql",
    "capacity": "myfy_data.cli.capacity:capacity",
    "completion": "myfy_data.cli.completion:completion",
    "db": "myfy_data.cli.db.group:db",
}
_CONFIG_COMMANDS = {
    name: f"myfy_data.cli.config.{name}:{name}"
    for name in ("init", "show", "explain", "check", "diff", "migrate", "schema")
}


@click.group(cls=_Root, context_settings=_SETTINGS, commands=LazyCommands(_COMMANDS))
@click.version_option(__version__, prog_name=PROGRAM)
def app() -> None:
    """Databases from layered configuration files: see, explain, check and ping them.

    Exit codes: 0 when all is well, 1 when a check or a connection failed, 2 when the configuration or the command line
    cannot be used.
    """


@app.group(cls=SuggestingGroup, commands=LazyCommands(_CONFIG_COMMANDS))
def config() -> None:
    """Write, show, explain and check the configuration."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program's name; `sys.argv` when None.

    Returns:
        The exit code.
    """
    _accept_any_text(sys.stdout, sys.stderr)
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    try:
        code = _guarded(lambda: _run(arguments), as_json=as_json)
    except NobodyReadsError:
        _let_go_of_output()
        code = READER_IS_GONE
    if arguments is None:
        _leave_stuck_threads(code)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    given = None if arguments is None else list(arguments)
    code = app.main(args=given, prog_name=PROGRAM, standalone_mode=False)
    return code if isinstance(code, int) else 0


def _guarded(action: Callable[[], int], *, as_json: bool) -> int:
    """What `action` returns, or the exit code for what it raised; the message is on standard error, and is JSON too."""
    problems: Sequence[Problem]
    try:
        return action()
    except click.ClickException as error:
        error.show()
        code, problems = error.exit_code, [Problem("command line", "", error.format_message())]
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except DataModuleError as error:
        output.write_error(str(error))
        code, problems = _judged(error)
    except OSError as error:
        text = f"{error.filename or 'output'}: {(error.strerror or 'unknown error').lower()}"
        output.write_error(text)
        code, problems = FAILED, [Problem("", "", text)]
    if as_json:
        output.write_json({"problems": [problem.as_json() for problem in problems]})
    return code


def _judged(error: DataModuleError) -> tuple[int, Sequence[Problem]]:
    """The exit code of an error, and what is wrong."""
    if isinstance(error, ConfigError):
        return BAD_CONFIGURATION, error.problems
    message, fix = output.split_fix(str(error))
    return FAILED, [Problem("", "", message, fix=fix)]


def _leave_stuck_threads(code: int) -> None:
    """End the process where a thread would keep it: a resolver may take minutes, and the answer is out already."""
    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _accept_any_text(*streams: object) -> None:
    """Let no file name or value break the output, whatever the terminal's encoding is."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _let_go_of_output() -> None:
    """The pipe is closed: keep Python from telling so when it flushes at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
