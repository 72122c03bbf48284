"""The user's line of code that led to what an engine does now; looked up only for what is told."""

from __future__ import annotations

import asyncio
from asyncio import base_events, events, runners
from itertools import takewhile
from typing import Any

from myfy_data.engines.pool.leak_detection import Stack, capture_stack, find_users_line
from myfy_data.engines.pool.loop_affinity import current_task

_LOOP = frozenset(str(module.__file__) for module in (events, base_events, runners))

UNKNOWN = "unknown place"


def users_place() -> str:
    """`file.py:line in function` of the innermost frame that is neither ours nor SQLAlchemy's.

    A COMMIT runs in a task of its own: its line is where the task waits that it acts for.
    """
    return find_users_line(_above_the_loop(capture_stack())) or find_users_line(_waiting()) or UNKNOWN


def _above_the_loop(stack: Stack) -> Stack:
    """The frames of the task: below them is what runs the loop, such as the user's `asyncio.run`."""
    return list(takewhile(lambda frame: frame[0].co_filename not in _LOOP, stack))


def _waiting() -> Stack:
    reference = current_task()
    task = reference() if reference is not None else None
    if task is None or task is asyncio.current_task():
        return []
    frames: Stack = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            frames.append((frame.f_code, frame.f_lineno))
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    frames.reverse()
    return frames
