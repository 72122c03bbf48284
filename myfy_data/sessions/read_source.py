"""Which of several servers a session reads from, as its caller says it (contract C11.2)."""

from __future__ import annotations

from collections.abc import Mapping

_SOURCES = ("primary", "replica")
_NO_CHOICE: Mapping[str, str] = {}


def choice_of(*, read_only: bool, read_from: str | None, after: str | None) -> Mapping[str, str]:
    """Which server to read from, and what it must have, as an engine is asked for.

    Raises:
        ValueError: a session that writes has no choice, or there is no such server.
    """
    if read_from is None and after is None:
        return _NO_CHOICE
    name = "read_from" if read_from is not None else "after"
    if not read_only:
        raise ValueError(f"{name} is for sessions that only read\n  fix: read_only=True")
    if read_from is not None and read_from not in _SOURCES:
        raise ValueError(f"read_from is {read_from!r}, expected 'primary' or 'replica'\n  fix: read_from=\"primary\"")
    chosen = {"read_from": read_from, "after": after}
    return {key: value for key, value in chosen.items() if value is not None}
