"""Judgements on texts that are kept, because the same texts are sent again and again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONGEST_KEPT: int = 10_000
"""Characters. A longer text is judged each time: kept, a few thousand of them would hold the process's memory."""


def judged_once(count: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Keep what a function says of a text.

    Args:
        count: of how many texts, none longer than `LONGEST_KEPT`.
    """

    def decorate(judge: Callable[[str], T]) -> Callable[[str], T]:
        kept = functools.lru_cache(maxsize=count)(judge)

        @functools.wraps(judge)
        def judged(sql: str) -> T:
            return kept(sql) if len(sql) <= LONGEST_KEPT else judge(sql)

        return judged

    return decorate
