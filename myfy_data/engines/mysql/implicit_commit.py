"""Statements before which MySQL and MariaDB commit by themselves: what changes the schema, and what locks tables."""

from __future__ import annotations

import re
from typing import cast

_GAP = re.compile(r"(?:\s+|/\*(?!!).*?\*/|--[^\n]*\n|#[^\n]*\n)*", re.DOTALL)
"""Nothing stands behind it: it cannot fail, and so never tries where else a comment may end."""

_COMMITS = re.compile(
    r"(?:(?:create(?!\s+temporary\s)|drop(?!\s+temporary\s)|alter|rename|truncate|grant|revoke|analyze|optimize|repair"
    r"|lock\s+tables|unlock\s+tables)\b|set\s+(?:session\s+|@@session\.|@@)?autocommit\b)",
    re.IGNORECASE,
)


def commits_implicitly(statement: str) -> bool:
    """Whether the server commits the transaction that a statement stands in."""
    start = cast("re.Match[str]", _GAP.match(statement)).end()
    return _COMMITS.match(statement, start) is not None
