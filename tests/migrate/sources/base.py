"""One input."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

SECRET = "hunter2-Zq9"


@dataclass(frozen=True)
class Source:
    """One file of another tool.

    Attributes:
        file: its name.
        text: what it holds.
        urls: the address of each profile as it has to be loaded, without its password.
    """

    file: str
    text: str
    urls: tuple[str, ...] = ()


def source(file: str, text: str, *urls: str) -> Source:
    """A source whose text is dedented."""
    return Source(file, re.sub(r"\bSECRET\b", SECRET, textwrap.dedent(text).lstrip("\n")), urls)
