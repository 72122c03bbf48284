"""Blocks that only `async with` enters: a forgotten `async` is answered with the line to write."""

from __future__ import annotations

from typing import NoReturn


class AsyncOnly:
    """Refuses `with`, in words of ours; Python's own name a protocol."""

    __slots__ = ()

    def __enter__(self) -> NoReturn:
        """Refuse.

        Raises:
            TypeError: always; says what to write.
        """
        raise TypeError(f"{type(self).__name__} is entered with `async with`, not with `with`")

    def __exit__(self, *_: object) -> None:
        """There for `with` to ask `__enter__` at all."""
