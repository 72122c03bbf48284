"""`dev`: servers, migrations and seeds, then a command (contract C13.4)."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.options import LoadOptions, load_options
from myfy_data.errors import ConfigError, Problem

SERVED = "_MYFY_DEV_SERVED"
"""Tells the test kit which variables are addresses of development (as `testing.plugin` has it)."""


NOT_EXECUTABLE, NO_SUCH_COMMAND = 126, 127
"""Exit codes of a shell for what it cannot run, and for what is not there."""

_OF_THE_FILE = (errno.ENOENT, errno.ENOEXEC, errno.EACCES)
"""Errors of a start whose cause is mostly the first line of a script."""

_OF_SHELLS = re.compile(r"[;&|<>$`*?~]")
"""What a shell would do more with than split a line into words."""


@click.command(cls=StrictCommand)
@click.argument("command", nargs=-1, metavar="[-- COMMAND...]")
@load_options
def dev(options: LoadOptions, *, command: tuple[str, ...]) -> int:
    """Start, migrate and seed what development needs; run COMMAND.

    A profile that gives a driver and no address gets a server of this machine, or one that is started and ends with
    COMMAND; its data is there again the next time. Databases of this machine are made, migrated and seeded; those of
    others are left as they are. COMMAND has its own input, output, signals and exit code, finds the addresses in its
    variables, and does not run when a step failed. Without COMMAND it runs until Ctrl-C. Never in production.
    """
    from myfy_data.cli.child_process import run_command, wait_for_end
    from myfy_data.cli.dev.servers import served

    if options.sets:
        raise click.UsageError("--set would not reach COMMAND: set the variable in its place")
    missing = _find_missing(command, options)
    if missing is not None:
        return _refuse(*missing)
    settings = options.load_to_connect()
    _refuse_production(settings.environment, is_protected=settings.blocks_auto_create)
    root = (settings.project_root or Path.cwd()).absolute()
    with served(settings, root) as found:
        environ = {**os.environ, **_said(options), **{name: url for name, (url, _) in found.items()}}
        environ[SERVED] = " ".join(found)
        for name, (_, server) in found.items():
            output.write_note([(name, "cyan"), f" is {server.name}"])
        _prepare(environ)
        if command:
            try:
                return run_command(command, environ)
            except OSError as error:  # found, and yet it does not start
                return _refuse(*_explain_start(command[0], error))
        for name, (url, _) in found.items():
            output.write([[f"{name}={url}"]])
        wait_for_end(lambda: output.write_note(["ready; Ctrl-C ends it"]))
        return 0


def _refuse(code: int, problem: Problem) -> int:
    """Tell why there is nothing to run; the exit code, as a shell has it."""
    output.write_error(str(ConfigError([problem])))
    return code


def _find_missing(command: tuple[str, ...], options: LoadOptions) -> tuple[int, Problem] | None:
    """What is wrong with something that is no program, told before anything is started for it."""
    if not command or shutil.which(command[0]) is not None:
        return None
    if not command[0].strip():
        raise click.UsageError("COMMAND begins with an empty word: name a program behind --, or leave out the --")
    if "/" in command[0] and Path(command[0]).is_dir():
        return NOT_EXECUTABLE, Problem(command[0], "", "is a directory", fix="name a program in it")
    found = shutil.which(command[0], os.F_OK)
    if found is not None:
        return NOT_EXECUTABLE, Problem(command[0], "", "is not executable", fix=f"chmod +x {shlex.quote(found)}")
    words = _split(command[0])
    if len(words) > 1 and shutil.which(words[0]) is not None:
        fix = f"myfy-data {_unquoted(command, words, options)}"
        return NO_SUCH_COMMAND, Problem(command[0], "", "one word in quotes is no command", fix=fix)
    fix = f"correct its name, or get {words[0]} into this environment"
    return NO_SUCH_COMMAND, Problem(command[0], "", "there is no such command", fix=fix)


def _split(line: str) -> list[str]:
    """The words of a line as a shell reads it; the line where it would not."""
    try:
        return shlex.split(line) or [line]
    except ValueError:  # a quotation mark without its other one
        return [line]


def _unquoted(command: tuple[str, ...], words: list[str], options: LoadOptions) -> str:
    """Our own command line with what was meant by a line in quotes."""
    own = ["dev", *(word for path in options.config for word in ("--config", path))]
    own += [] if options.environment is None else ["--environment", options.environment]
    meant = [*words, *command[1:]]
    if any(map(_OF_SHELLS.search, words)):  # only a shell does with it what was meant
        meant = ["sh", "-c", " ".join([command[0], *map(shlex.quote, command[1:])])]
    return shlex.join([*own, "--", *meant])


def _explain_start(name: str, error: OSError) -> tuple[int, Problem]:
    """What is wrong with a program that was found: its first line, or such as its arguments or the memory."""
    code = NO_SUCH_COMMAND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    message = f"does not start: {(error.strerror or 'unknown error').lower()}"
    if error.errno not in _OF_THE_FILE:
        return code, Problem(name, "", message)
    return code, Problem(name, "", message, fix="have its first line name a program that is here, as #!/bin/sh")


def _refuse_production(environment: str, *, is_protected: bool) -> None:
    if is_protected:
        message = f"nothing is started, migrated or seeded for {environment!r}"
        raise ConfigError([Problem("", "environment", message, fix="myfy-data dev --environment development")])


def _said(options: LoadOptions) -> dict[str, str]:
    """What our options say, as COMMAND is told it."""
    said = {}
    if options.environment is not None:
        said["MYFY_DATA_ENVIRONMENT"] = options.environment
    if options.config:
        said["MYFY_DATA_CONFIG"] = os.pathsep.join(options.config)
    return said


def _prepare(environ: Mapping[str, str]) -> None:
    """Make, migrate and seed by the very settings that COMMAND will load."""
    import asyncio

    from myfy_data.cli.db.each_profile import tell_step
    from myfy_data.cli.dev.prepare import local_targets, prepare
    from myfy_data.settings.loader import load_settings

    settings = load_settings(environ=environ)
    targets = list(local_targets(settings))
    settings.require_engines(target.profile for target in targets)

    for target in targets:
        done = asyncio.run(prepare(target, tell_step))
        output.write_note([(target.profile, "cyan"), f"  {done}"])
