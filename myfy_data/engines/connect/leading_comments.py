"""What a statement begins with, behind its comments."""

from __future__ import annotations

import re
from typing import cast


def match_behind(gap: re.Pattern[str], wanted: re.Pattern[str], sql: str) -> re.Match[str] | None:
    """Match a pattern behind spaces and comments.

    In one pattern with what is looked for, a gap that something else follows tries anew where each comment may end:
    every comment doubles the time. Alone it cannot fail, so it is matched once.

    Args:
        gap: what the database takes for spaces and comments; it also matches nothing at all.
        wanted: what is looked for.
        sql: the statement.
    """
    return wanted.match(sql, cast("re.Match[str]", gap.match(sql)).end())
