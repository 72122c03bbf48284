"""The provider `command`: what a command prints on its standard output (contract C12.4)."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from myfy_data.credentials.text import LIMIT, check_options, read_credentials
from myfy_data.credentials.types import CredentialRequest, Credentials, ProviderError
from myfy_data.redaction import Secret

_EXAMPLE = 'command = ["vault", "read", "-field=password", "database/creds/{username}"]'


async def run_command(request: CredentialRequest, *, root: Path) -> Credentials:
    """The credentials that a command prints; its working directory is the project's root, its errors go to ours.

    Args:
        request: its options: `command`, a list of words, or one text that is split as a shell does, in which `{host}`,
            `{port}`, `{username}`, `{profile}` and `{reason}` stand for what is asked for; and those of
            `read_credentials`. No shell is started.
        root: the project's root.

    Raises:
        ProviderError: there is no such command, it failed, or what it printed are no credentials.
    """
    check_options(request.options, ("command",))
    program, *arguments = _words(request)
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            cwd=root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=LIMIT,
        )
    except (OSError, ValueError) as error:
        reason = f"cannot run {program!r}: {type(error).__name__}"
        raise ProviderError(reason, f"install {program}, or name it with its path") from None
    try:
        said = await _output(process)
        code = await process.wait()
    finally:
        if process.returncode is None:  # the waiter has given up
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code:
        raise ProviderError(f"{program!r} ended with {code}", "run it by hand, and look what it says")
    return read_credentials(said, request.options)


async def _output(process: asyncio.subprocess.Process) -> Secret:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    read = bytearray()
    while piece := await process.stdout.read(LIMIT):
        read += piece
        if len(read) > LIMIT:
            raise ProviderError(f"prints more than {LIMIT} bytes")
    try:
        return Secret(read.decode())
    except UnicodeDecodeError:
        raise ProviderError("prints what is not UTF-8 text") from None


def _words(request: CredentialRequest) -> list[str]:
    said: Any = request.options.get("command")
    words: Sequence[Any] = shlex.split(said) if isinstance(said, str) else said
    if not (isinstance(words, list) and words and all(isinstance(word, str) for word in words)):
        raise ProviderError("needs the option `command`, a list of words", _EXAMPLE)
    known = {name: getattr(request, name) for name in ("host", "port", "username", "profile", "reason")}
    return [_filled(word, known) for word in words]


def _filled(word: str, known: Mapping[str, object]) -> str:
    for name, value in known.items():
        word = word.replace(f"{{{name}}}", "" if value is None else str(value))
    return word
