"""A statement as it may be shown: without literals, comments and parameters (contract C12.2).

What is not known to be a name, a keyword or a sign is taken for a literal. A text that a pattern cannot read to its end
is cut there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

_LONGEST_READ = 20_000
LONGEST_SHOWN: int = 2_000
"""Characters of a statement that are read, and that are shown."""

_WORD = r"[^\W\d][\w$]*"
_NUMBER = r"0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+(?:_\d+)*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PREFIX = r"(?:[eEbBxXnN]|[uU]&|_\w+\s*)?"
_LITERAL = rf"{_PREFIX}'(?:[^']|'')*(?:'|\Z)"
_QUOTED = r'(?:[uU]&)?"(?:[^"]|"")*(?:"|\Z)'
_DOLLAR = r"\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)"
_PARAMETER = r"\$\d+|%\(\w+\)s|%s|\?\d*|:\w+|@\w+"
_UNCLEAR = re.compile(r"\\['\"]")
"""Whether the quote ends a literal depends on settings of the server: what follows is not shown."""


def _pattern(comment: str, *, dollar: str = r"(?!)") -> re.Pattern[str]:
    parts = (
        rf"(?P<space>\s+|{comment})",
        r"(?P<block>/\*)",
        rf"(?P<dollar>{dollar})",
        rf"(?P<literal>{_LITERAL})",
        rf"(?P<quoted>{_QUOTED})",
        r"(?P<name>`(?:[^`]|``)*(?:`|\Z)|\[[^\W\d]\w*\])",
        r"(?P<cast>::)",
        rf"(?P<parameter>{_PARAMETER})",
        rf"(?P<word>{_WORD})",
        rf"(?P<number>{_NUMBER})",
        r"(?P<sign>.)",
    )
    return re.compile("|".join(parts), re.DOTALL)


_PATTERNS = {
    "postgresql": _pattern(r"--[^\n]*", dollar=_DOLLAR),
    "mysql": _pattern(r"--(?=\s|\Z)[^\n]*|#[^\n]*"),
    "sqlite": _pattern(r"--[^\n]*"),
}

_NAMED_BEFORE = re.compile(r"(?:\.|\b(?:from|join|into|update|table|as|on|exists|index|collate)) ?\Z", re.IGNORECASE)
_SETTING = re.compile(r"\A((?:set|pragma)\b[^=(]*?(?:=|\(|\bto\b) ?).*", re.IGNORECASE | re.DOTALL)
"""A value that is written without quotes is none of a query's names."""

_LIST = re.compile(r"\((?:\?|NULL|DEFAULT)(?: ?, ?(?:\?|NULL|DEFAULT))*\)", re.IGNORECASE)
_LISTS = re.compile(r"\(\?\)(?: ?, ?\(\?\))+")
_NAME = r"(?:[\w$]+|\"[^\"]*\"|`[^`]*`)"
_TARGET = re.compile(
    rf"\b(?:from|into|update|table|join)(?: only| if(?: not)? exists)? ({_NAME}(?:\.{_NAME})*)", re.IGNORECASE
)
_INNER = re.compile(r"\([^()]*\)")
_MAIN = re.compile(r"\b(select|insert|update|delete|merge|replace)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StatementText:
    """What may be told of a statement.

    Attributes:
        text: the statement, literals and parameters as `?`, lists of them as `(?)`.
        operation: its kind, such as `SELECT`.
        summary: operation and table, such as `SELECT items`; the operation alone where none is found.
        fingerprint: eight characters that are the same for the same text.
    """

    text: str
    operation: str
    summary: str
    fingerprint: str


@lru_cache(maxsize=2048)
def statement_text(sql: str, database: str) -> StatementText:
    """What may be told of a statement.

    Args:
        sql: as it was sent.
        database: `postgresql`, `mysql` or `sqlite`: what a quote means differs.
    """
    text = _collapsed(_Masking(database).masked(sql))
    operation, rest = _operation(text)
    found = _TARGET.search(rest)
    target = re.sub(r"[\"`]", "", found.group(1)) if found is not None else ""
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
    summary = f"{operation} {target}".strip()[:255]
    return StatementText(text[:LONGEST_SHOWN], operation, summary, digest)


class _Masking:
    """Takes the literals out of statements of one database."""

    def __init__(self, database: str) -> None:
        self._pattern = _PATTERNS[database]
        self._comments_nest = database == "postgresql"
        self._quotes_name = database == "postgresql"
        self._may_quote_names = database == "sqlite"  # which takes what is no name for a literal, as MySQL always does

    def masked(self, sql: str) -> str:
        unclear = _UNCLEAR.search(sql)
        sql = sql[: min(_LONGEST_READ, unclear.start() if unclear is not None else _LONGEST_READ)]
        parts: list[str] = []
        position = 0
        while (found := self._pattern.match(sql, position)) is not None and position < len(sql):
            kind, position = found.lastgroup or "", found.end()
            if kind == "block":
                position = self._comment_end(sql, position)
            parts.append(self._shown(kind, found.group(), parts, sql[position : position + 1]))
        return "".join(parts)

    def _shown(self, kind: str, text: str, before: list[str], after: str) -> str:
        if kind in ("space", "block"):
            return " "
        if kind in ("literal", "dollar", "number", "parameter"):
            return "?"
        if kind == "quoted" and not self._quotes_name:
            is_name = after == "." or _NAMED_BEFORE.search("".join(before[-4:])) is not None
            return text if is_name and self._may_quote_names else "?"
        return text

    def _comment_end(self, sql: str, position: int) -> int:
        depth = 1
        for found in re.finditer(r"/\*|\*/", sql[position:]):
            if found.group() == "*/":
                depth -= 1
            elif self._comments_nest:
                depth += 1
            if depth == 0:
                return position + found.end()
        return len(sql)


def _collapsed(text: str) -> str:
    words = _SETTING.sub(r"\1?", " ".join(text.split()))
    return _LISTS.sub("(?)", _LIST.sub("(?)", words))


def _operation(text: str) -> tuple[str, str]:
    """The kind of a statement, and the part that names its table."""
    first = re.match(r"\W*(\w+)", text)
    word = first.group(1).upper() if first is not None else "STATEMENT"
    if word != "WITH":
        return word, text
    flat = text
    while (inner := _INNER.sub("", flat)) != flat:
        flat = inner
    main = _MAIN.search(flat)
    return (word, "") if main is None else (main.group(1).upper(), flat[main.start() :])
