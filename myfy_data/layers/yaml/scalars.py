"""What a YAML scalar means: the core schema of YAML 1.2, in which `no`, `12:30` and `2024-01-01` are text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

_PREFIX = "tag:yaml.org,2002:"
MAP_TAG = f"{_PREFIX}map"
SEQ_TAG = f"{_PREFIX}seq"

Scalar = str | int | float | bool | None
"""What a scalar is read as."""

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **{sign + word: math.inf for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMBER = re.compile(
    r"(?P<decimal>[-+]?[0-9]+)|(?P<octal>0o[0-7]+)|(?P<hexadecimal>0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)
_NUMBER_STARTS = frozenset("-+.0123456789")
_READ_NUMBER: dict[str | None, Callable[[str], int | float]] = {
    "decimal": int,
    "octal": lambda text: int(text, 8),
    "hexadecimal": lambda text: int(text, 16),
    "float": float,
}
_TAGGED: dict[str, tuple[tuple[type, ...], str]] = {
    f"{_PREFIX}int": ((int,), "a whole number"),
    f"{_PREFIX}float": ((int, float), "a number"),
    f"{_PREFIX}bool": ((bool,), "true or false"),
    f"{_PREFIX}null": ((type(None),), "null"),
}
_KINDS: dict[type, str] = {
    dict: "a table",
    list: "a list",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class UnknownTagError(ValueError):
    """A tag outside the core schema."""


class WrongTagError(ValueError):
    """Text that its tag does not fit; the message says what the tag expects."""


def plain_value(text: str) -> Scalar:
    """The value of a scalar without quotes and tag.

    Raises:
        ValueError: a whole number of more digits than Python reads (4300).
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in _NUMBER_STARTS and (number := _NUMBER.fullmatch(text)):
        return _READ_NUMBER[number.lastgroup](text)
    return text


def is_text(text: str) -> bool:
    """Whether a scalar without quotes and tag is text."""
    return text not in _CONSTANTS and not (text[0] in _NUMBER_STARTS and _NUMBER.fullmatch(text))


def tagged_value(tag: str, text: str) -> Scalar:
    """The value of a scalar with a tag.

    Raises:
        UnknownTagError: the tag is none of `!!str !!int !!float !!bool !!null`.
        WrongTagError: the text is not what the tag says.
    """
    if tag == f"{_PREFIX}str":
        return text
    if tag not in _TAGGED:
        raise UnknownTagError
    types, expected = _TAGGED[tag]
    value = plain_value(text)
    if type(value) not in types:
        raise WrongTagError(expected)

    return float(value) if float in types and isinstance(value, int | float) else value


def kind_of(value: object) -> str:
    """A value's kind in words."""
    return _KINDS.get(type(value), "text")
