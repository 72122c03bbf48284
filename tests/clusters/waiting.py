"""Waiting for what a server will come to, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

import asyncpg
import pymysql

PATIENCE = 60.0
"""Seconds until what must happen counts as not happening."""

AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, pymysql.MySQLError)
"""What is heard of a server that is starting, or whose role changes."""


def until(condition: Callable[[], bool], complaint: str, seconds: float = PATIENCE) -> None:
    """Wait until a condition holds; a server that does not answer meanwhile does not end the wait."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except AWAY as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(complaint) from last
