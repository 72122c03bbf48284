"""What the rows share: the pool's size, and the operations."""

from __future__ import annotations

from typing import Any, Protocol

SIZE = 10
POOL: dict[str, Any] = {"pool_size": SIZE, "max_overflow": 0, "pool_timeout": 120}


class Operations(Protocol):
    """What is timed; each is one unit of work, committed when it returns."""

    async def read(self, key: int) -> str:
        """The name of one row."""
        ...

    async def insert(self, name: str) -> int:
        """Store one row; its key."""
        ...

    async def change(self, first: int, second: int) -> None:
        """Read two rows and add one to the amount of each."""
        ...
