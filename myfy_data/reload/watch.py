"""Looks whether a file of the configuration has changed: by its numbers, each two seconds (contract C12.5; ADR 39)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

State = dict[str, tuple[int, int, int]]
"""Inode, time of the last change and size of each file that is there; a link counts as what it leads to."""

SETTLE = 0.1
"""Seconds in which a file must stay as it is: an editor may be writing it."""


def state_of(paths: Iterable[str | Path]) -> State:
    """The files of now; those of a directory are looked at each."""
    found: State = {}
    for path in paths:
        _look(os.fspath(path), found)
    return found


def _look(path: str, found: State, *, is_inside: bool = False) -> None:
    try:
        seen = os.stat(path)  # noqa: PTH116 - text, as the paths of layers are
        if not is_inside and os.path.isdir(path):  # noqa: PTH112 - as above
            for name in os.listdir(path):  # noqa: PTH208 - as above
                _look(os.path.join(path, name), found, is_inside=True)  # noqa: PTH118 - as above
    except OSError:
        return  # that it is gone is a change, too
    found[path] = (seen.st_ino, seen.st_mtime_ns, seen.st_size)


async def watch(
    paths: Callable[[], Iterable[str | Path]],
    interval: float,
    changed: Callable[[], Awaitable[None]],
    known: State | None = None,
) -> None:
    """Call `changed` for each change of a file, until cancelled; changes while it works are told afterwards.

    Args:
        paths: gives the files and directories to look at, those that are not there yet included.
        interval: seconds between two looks.
        changed: reloads; raises nothing.
        known: how the files stood when they were read; as they stand now when None.
    """
    known = state_of(paths()) if known is None else known
    while True:
        await asyncio.sleep(interval)
        seen = state_of(paths())
        if seen == known:
            continue
        known = await _settled(paths, seen)
        await changed()


async def _settled(paths: Callable[[], Iterable[str | Path]], seen: State) -> State:
    while True:
        await asyncio.sleep(SETTLE)
        now = state_of(paths())
        if now == seen:
            return now
        seen = now
