"""Statements before which MySQL and MariaDB commit by themselves: what changes the schema, and what locks tables."""

from __future__ import annotations

import re

from myfy_data.engines.connect.leading_comments import match_behind

_GAP = re.compile(r"(?:\s+|/\*(?!!).*?\*/|--[^\n]*\n|#[^\n]*\n)*", re.DOTALL)

_COMMITS = re.compile(
    r"(?:(?:create(?!\s+temporary\s)|drop(?!\s+temporary\s)|alter|rename|truncate|grant|revoke|analyze|optimize|repair"
    r"|lock\s+tables|unlock\s+tables)\b|set\s+(?:session\s+|@@session\.|@@)?autocommit\b)",
    re.IGNORECASE,
)


def commits_implicitly(statement: str) -> bool:
    """Whether the server commits the transaction that a statement stands in."""
    return match_behind(_GAP, _COMMITS, statement) is not None
