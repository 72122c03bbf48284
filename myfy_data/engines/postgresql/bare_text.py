"""The statements of a text without comments and literals, read as PostgreSQL reads it (its scanner, `scan.l`).

Each token is read once: a text costs what it is long, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

_START = "A-Za-z_\\x80-\U0010ffff"
"""What a name may begin with; spaces outside of ASCII do so as well."""

_TOKEN = re.compile(
    rf"""(?P<plain>(?:(?![eE]'|[uU]&")[{_START}][\w$\x80-\U0010ffff]*|[^{_START}'"$/;-]+|-(?!-)|/(?!\*))+)"""
    r"|(?P<comment>--[^\n\r]*)"
    r"|(?P<block>/\*)"
    r"|(?P<literal>')"
    r"|(?P<escaped>[eE]')"
    r'|(?P<escapedname>[uU]&"[^"]*"?)'
    r'|(?P<name>"[^"]*"?)'
    rf"|(?P<dollar>\$(?:[{_START}][\w\x80-\U0010ffff]*)?\$)"
    r"|(?P<sign>.)",
    re.ASCII | re.DOTALL,
)
_BLOCK = re.compile(r"/\*|\*/")
# What is doubled is read as the next literal, which ends at the same place; none of these can fail, so none goes back.
_LITERAL = re.compile(r"[^']*'?")
_ESCAPED = re.compile(r"(?:[^'\\]+|\\.|'')*'?", re.DOTALL)
_WORD = re.compile(r'"(\w+)"', re.ASCII)
_TRUE = frozenset({"on'", "true'", "yes'", "1'"})


def bare_statements(sql: str) -> list[str]:
    """The statements of a text: words with one space between, `''` for a literal, `'on'` for one that means it.

    A quoted name stands without its quotes where it is a word, else as `""`, and one with escapes as `U&""`. A text
    with a backslash is read twice, since `standard_conforming_strings` says what that means in a literal: the
    statements of both readings are given.

    Args:
        sql: what is sent, one statement or several.
    """
    readings = (False, True) if "\\" in sql else (False,)
    texts = ["".join(_bare(sql, escapes=escapes)) for escapes in readings]
    return [" ".join(statement.split()) for text in texts for statement in text.split(";")]


def _bare(sql: str, *, escapes: bool) -> Iterator[str]:
    position, goes_on = 0, False
    while position < len(sql):
        found = cast("re.Match[str]", _TOKEN.match(sql, position))
        kind, token, position = found.lastgroup, found.group(), found.end()
        start = position
        if kind in ("literal", "escaped"):
            goes_on = goes_on or escapes or kind == "escaped"
            position = cast("re.Match[str]", (_ESCAPED if goes_on else _LITERAL).match(sql, start)).end()
            yield " 'on' " if sql[start:position].lower() in _TRUE else " '' "
            continue
        if kind == "block":
            position = _block_end(sql, start)
        elif kind == "dollar":
            position = end + len(token) if (end := sql.find(token, start)) >= 0 else len(sql)
        # Behind a literal with escapes, one that stands in its next line is read as it is.
        goes_on = goes_on and (kind in ("comment", "block") or token.isspace())
        yield _shown(kind or "", token)


def _shown(kind: str, token: str) -> str:
    if kind in ("comment", "block"):
        return " "
    if kind == "dollar":
        return " '' "
    if kind == "escapedname":
        return ' U&"" '
    if kind == "name":
        word = _WORD.fullmatch(token)
        return f" {word.group(1)} " if word is not None else ' "" '
    return token


def _block_end(sql: str, start: int) -> int:
    depth = 1
    for found in _BLOCK.finditer(sql, start):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return found.end()
    return len(sql)
