"""The provider `file`: what a file holds, with its end if it says one (contract C12.4)."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

from myfy_data.credentials.text import LIMIT, check_options, read_credentials
from myfy_data.credentials.types import CredentialRequest, Credentials, ProviderError
from myfy_data.layers.files.regular_file import open_regular
from myfy_data.redaction import Secret

_TRIES = 20
_PAUSE = 0.05
"""Seconds between two looks at a file that is empty: some tools empty a file before they fill it."""


async def read_file(request: CredentialRequest, *, root: Path) -> Credentials:
    """The credentials in a file, such as the one that a Vault agent writes; a file that is empty has 1 s to be filled.

    Args:
        request: its options: `path`, relative to the project's root, and those of `read_credentials`.
        root: the project's root.

    Raises:
        ProviderError: the file cannot be read, or holds no credentials.
    """
    check_options(request.options, ("path",))
    said = request.options.get("path")
    if not isinstance(said, str) or not said:
        raise ProviderError("needs the option `path`", 'path = "/run/secrets/db.json"')
    path = _place(root, said)
    for _ in range(_TRIES):
        content = await asyncio.to_thread(_read, path)
        if content is not None:
            return read_credentials(content, request.options)
        await asyncio.sleep(_PAUSE)
    raise ProviderError(f"finds {path} empty", f"write the credentials to {path}")


def _place(root: Path, said: str) -> Path:
    return root / Path(said).expanduser()


def _read(path: Path) -> Secret | None:
    """What a file holds; None while it is empty."""
    try:
        with open_regular(path) as file:
            content = Secret(file.read(LIMIT + 1).decode())
    except UnicodeDecodeError:
        raise ProviderError(f"cannot read {path}: it is not UTF-8 text") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ProviderError(f"cannot read {path}: {reason}", f"ls -l {shlex.quote(str(path))}") from None
    if len(content.reveal()) > LIMIT:
        raise ProviderError(f"cannot read {path}: it is larger than {LIMIT} bytes")
    return content if content.reveal().strip() else None
