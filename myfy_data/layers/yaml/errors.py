"""What is wrong with a YAML text, in plain words and with the fix.

PyYAML's messages show the broken line, and some name the characters on it; a password may stand there. So only the
places and the kind of the message are used. The C parser and the Python parser word their messages differently.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from yaml.error import MarkedYAMLError
from yaml.reader import ReaderError

from myfy_data.errors import Problem
from myfy_data.layers.syntax import Lines, Place, spot
from myfy_data.layers.yaml.frames import Mark, place_of

if TYPE_CHECKING:
    from myfy_data.layers.yaml.builder import Builder

_QUOTE_IT = "put the text in quotes"
_SPACES = "indent with spaces"
_SINGLE = "write '...' with single quotes to keep every '\\'"
NO_COLON = "a key without ':' and a value"
KEY_VALUE = "write `key: value`, with a space after the colon"
_CLOSE = "close it with the same quotes"
_BANG = "delete the tag; put text that starts with '!' in quotes"

_ALIGN = "align the keys of one table; write '' for a quote inside '...'"
_UNKNOWN = ("not YAML", "write key: value, and indent with spaces")
_NO_SPACE = re.compile(r"\s*[\w-]+:(?!//)\S")

_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"a tab character", "a tab stands where only spaces may", _SPACES),
    (r"cannot start any token", "text cannot start with this character", _QUOTE_IT),
    (
        r"mapping values are not allowed|unexpected ':'",
        "a ':' stands where no key can be",
        "put text that holds ': ' in quotes",
    ),
    (
        r"expected ',' or '\]'",
        "expected ',' or ']' in this list",
        "write ',' between two values, and ']' after the last",
    ),
    (
        r"expected ',' or '\}'",
        "expected ',' or '}' in this table",
        "write ',' between two keys, and '}' after the last",
    ),
    (r"escape character", "'\\' starts no escape that YAML knows", _SINGLE),
    (r"hex[a]?decimal|Unicode character escape", "expected hexadecimal digits after the '\\'", _SINGLE),
    (r"tag handle| a tag\b", "only the tags of YAML itself may be used", _BANG),
    (r"alphabetic or numeric", "expected a name after '&', '*' or '!'", _QUOTE_IT),
    (r"document start", "the file goes on after the end of its document", "keep one document in a file"),
    (r"directive|YAML document", "this directive ('%' at the start of a line) cannot be used", "delete the line"),
    (r"sequence entries are not allowed", "a '- ' stands where no list can be", "put each item on a line of its own"),
    (
        r"chomping|or (a )?line break|indentation indicator",
        "nothing may stand beside '|' or '>' of a block text",
        _QUOTE_IT,
    ),
    (r"block end|expected key|'-' indicator", "this does not fit what stands before it", _ALIGN),
    (r"nesting depth", "more levels of tables and lists than can be read", "write it with fewer levels"),
    (r"node content", "expected a value here", _QUOTE_IT),
)


def explain_yaml(failure: Exception, builder: Builder) -> tuple[Place, Problem]:
    """The problem behind the parser's refusal, with its place."""
    if isinstance(failure, ReaderError):
        return _bad_character(failure, builder)
    if not isinstance(failure, MarkedYAMLError) or failure.problem_mark is None:
        return (1, 1), Problem(builder.name, "", _UNKNOWN[0], (), _UNKNOWN[1])
    reason, mark, start = str(failure.problem), failure.problem_mark, failure.context_mark
    at_end = not builder.text[mark.index :].strip()
    if start is not None and re.search("end of stream|document (indicator|separator)", reason):
        return _told(builder, start, "the text in quotes that starts here is never closed", _CLOSE)
    if start is not None and at_end and re.search(r"',' or '[\]}]'", reason):
        return _told(builder, start, "the bracket that opens here is never closed", "close it with ']' or '}'")
    if (
        start is not None
        and "could not find expected ':'" in reason
        and not _line_without_space(builder.text, mark.index)
    ):
        return _told(
            builder, start, "a key without ':' and a value", "write `key: value`, with a space after the colon"
        )
    return _told(builder, mark, *_words(failure, builder.text, mark))


def _words(failure: MarkedYAMLError, text: str, mark: Mark) -> tuple[str, str]:
    reason = f"{failure.problem} {failure.context}"
    if text[mark.index : mark.index + 1] == "\t" and "any token" in reason:
        reason = "a tab character"
    elif re.search("mapping values|expected ':'", reason) and (line := _line_without_space(text, mark.index)):
        return "a colon above this has no space after it", f"write a space after the first colon of line {line}"
    elif "mapping values" in reason and ": " not in text[: mark.index].rpartition("\n")[2]:
        reason = "expected key"
    return next(((words, fix) for pattern, words, fix in _WORDS if re.search(pattern, reason)), _UNKNOWN)


def _line_without_space(text: str, at: int) -> int | None:
    """The number of the line above, if it reads `key:value`, which is text and no key."""
    above = text[:at].split("\n")[:-1]
    return len(above) if above and _NO_SPACE.match(above[-1]) else None


def _bad_character(failure: ReaderError, builder: Builder) -> tuple[Place, Problem]:
    code = failure.character
    place = Lines(builder.text, "\r\n|\r|\n").place(max(builder.text.find(chr(code)), 0))
    fix = f'delete it, or write \\U{code:08X} inside "..."'
    return place, Problem(spot(builder.name, place), "", f"the character U+{code:04X} is not allowed", (), fix)


def _told(builder: Builder, mark: Mark, message: str, fix: str) -> tuple[Place, Problem]:
    place = place_of(mark)
    return place, Problem(spot(builder.name, place), "", message, (), fix)
