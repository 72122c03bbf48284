"""What is wrong with a TOML text, in plain words and with the fix.

The parser's own messages quote characters and keys, and a broken line may hold a password there. So only its
place and the kind of its message are used.
"""

from __future__ import annotations

import re

import tomli

from myfy_data.errors import Problem
from myfy_data.layers.syntax import Limits, Lines, Place, TooManyValuesError, shown, spot, too_deep, too_many_values
from myfy_data.layers.toml.positions import Clash, Scan, scan_toml

Words = tuple[str, str]
"""What is wrong, and the fix; either may be empty."""

_QUOTE_IT = 'put text in quotes: key = "text"'
_CLASHES = ("Cannot declare", "Cannot overwrite", "Cannot mutate", "Cannot redefine", "Duplicate inline")
_UNKNOWN: Words = ("not TOML", "write [table], key = value, or a comment")
_LONG_NUMBER = re.compile(r"[0-9][0-9_]{4000,}")

_PLAIN_WORDS: dict[str, Words] = {
    "Invalid statement": ("expected a [table], key = value, or a comment", "write # before it, or key = value"),
    "Invalid initial character for a key": (
        "expected a key",
        "put a key with other signs than A-Z a-z 0-9 - _ in quotes",
    ),
    "Unclosed array": ("expected ',' or ']' in this list", "write ',' between two values, and ']' after the last"),
    "Unclosed inline table": (
        "expected ',' or '}' in this table",
        "write ',' between two keys, and '}' after the last",
    ),
    "Expected ']' ": ("expected ']' at the end of a [table] line", "end the line with ]"),
    "Expected ']]'": ("expected ']]' at the end of a [[table]] line", "end the line with ]]"),
    "Unescaped": ("'\\' starts no escape that TOML knows", "write '...' with single quotes to keep every '\\'"),
    "Invalid hex": ("expected hexadecimal digits after the '\\'", "write '...' with single quotes to keep every '\\'"),
    "Escaped character": ("this escape stands for no character", "write '...' with single quotes to keep every '\\'"),
    "Invalid date": ("no such date or time", 'put text in quotes: key = "text"'),
    **dict.fromkeys(_CLASHES, ("this key or table is set twice", "delete one of the two")),
}

_NEAR_VALUES: dict[str, Words] = {
    **dict.fromkeys(("true", "yes", "on"), ("expected true or false", "write true")),
    **dict.fromkeys(("false", "no", "off"), ("expected true or false", "write false")),
    **dict.fromkeys(
        ("null", "none", "nil"),
        ("TOML has no null", 'delete the line; unset = ["key"] removes what a lower layer put there'),
    ),
}


def explain_toml(failure: Exception, text: str, name: str, limits: Limits) -> tuple[Problem, ...]:
    """The problems behind a refusal of `text`."""
    if isinstance(failure, TooManyValuesError):
        return (too_many_values(name, limits),)
    text = text.replace("\r\n", "\n")  # as tomli does before it counts
    lines, scan = Lines(text), scan_toml(text, limits.depth)
    if isinstance(failure, RecursionError):
        return (too_deep(spot(name, None if scan.deep is None else lines.place(scan.deep)), limits),)
    if not isinstance(failure, tomli.TOMLDecodeError):
        return (_long_number(text, name, lines),)
    if failure.msg.startswith(_CLASHES) and scan.clashes:
        return tuple(_clash(clash, name, lines) for clash in scan.clashes)
    at, (message, fix) = _syntax(failure, text, scan)
    return (Problem(spot(name, lines.place(at)), "", message, (), fix),)


def _clash(clash: Clash, name: str, lines: Lines) -> Problem:
    return Problem(
        place=spot(name, lines.place(clash.again)),
        key=shown(clash.path),
        message="is set twice",
        facts=(f"first at {spot(name, lines.place(clash.first))}",),
        fix="put the keys of both under the first, and delete this line"
        if clash.header
        else "delete one of the two lines",
    )


def _long_number(text: str, name: str, lines: Lines) -> Problem:
    found = _LONG_NUMBER.search(text)
    place: Place | None = lines.place(found.start()) if found else None
    return Problem(spot(name, place), "", "this number has too many digits to be read", (), _QUOTE_IT)


def _syntax(failure: tomli.TOMLDecodeError, text: str, scan: Scan) -> tuple[int, Words]:
    """Where to look, and what is wrong there."""
    message, at = failure.msg, failure.pos
    if message.startswith("Invalid value"):
        return at, _invalid_value(text, at)
    if message.startswith("Expected newline"):
        return at, _after_the_value(text, at)
    if message.startswith("Expected '='"):
        return at, _no_equals(text, at)
    if message.startswith(("Unterminated", "Expected \"'", "Illegal character", "Found invalid")):
        return _unclosed_or_illegal(text, at, scan)
    if message.startswith(("Unescaped", "Invalid hex", "Escaped")):
        at = max(text.rfind("\\", 0, at), 0)
    return at, next((words for start, words in _PLAIN_WORDS.items() if message.startswith(start)), _UNKNOWN)


def _invalid_value(text: str, at: int) -> Words:
    rest = text[at : at + 200].partition("\n")[0]
    word = re.match(r"\w*", rest)
    if not rest.strip() or rest.startswith("#"):
        return "a value is missing here", 'delete the key, or write "" for empty text'
    if word and word[0].lower() in _NEAR_VALUES:
        return _NEAR_VALUES[word[0].lower()]
    return "not a TOML value", _QUOTE_IT


def _after_the_value(text: str, at: int) -> Words:
    if text[:at].rstrip(" \t").endswith(('"', "'")):
        return "the text in quotes ends here, but the line goes on", 'write \\" for a quote inside "..."'
    if text[at] == "\r":
        return _character("\r")
    return "the line goes on after its value", _QUOTE_IT


def _no_equals(text: str, at: int) -> Words:
    if text[at : at + 1] == ":":
        return "expected '=' after the key, not ':'", "write key = value"
    return "expected '=' after the key", "write key = value"


def _unclosed_or_illegal(text: str, at: int, scan: Scan) -> tuple[int, Words]:
    if at < len(text) and text[at] != "\n":
        return at, _character(text[at])
    start = scan.stuck
    if start is not None and start < at and text[start] in "\"'":
        at = start
    return at, ("the text in quotes that starts here is never closed", "close it with the same quotes")


def _character(character: str) -> Words:
    if character == "\r":
        return "a carriage return without a line feed", "save the file with one kind of line ends, LF or CRLF"
    return (
        f"the control character U+{ord(character):04X} is not allowed",
        f'delete it, or write \\u{ord(character):04X} inside "..."',
    )
