"""The statement behind a fingerprint, found where another process has told it as JSON (contract C12.3; ADR 52)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from myfy_data.errors import ConfigError, Problem
from myfy_data.nested_tables import nested_tables
from myfy_data.telemetry.statement_text import LONGEST_SHOWN

FINGERPRINT: re.Pattern[str] = re.compile(r"[0-9a-f]{4,16}")
"""What is taken for a fingerprint, or for the beginning of one; no statement looks like it."""

_TEXTS = ("statement", "text")
"""Where the text stands: in records of the slow log and `slow_queries()`; in requests of the page of development."""

_FAILURES = 20
"""Braces of a line that begin no object, behind which it is given up: each may be read to the line's end."""


class ToldStatement(NamedTuple):
    """A statement that was told by another process.

    Attributes:
        profile: the name of the profile that ran it.
        fingerprint: all of it.
        text: the statement without its literals.
    """

    profile: str
    fingerprint: str
    text: str


def find_told(lines: Iterable[str], fingerprint: str) -> list[ToldStatement]:
    """The statements with a fingerprint, each once, in the order in which they are told.

    Args:
        lines: a log whose lines hold JSON, behind whatever a collector wrote before it, or a document of one line.
        fingerprint: as a line of the log has it, or its beginning.
    """
    objects = (told for line in lines if fingerprint in line for told in _objects(line))
    found = (_statement(each) for told in objects for each in nested_tables(told))
    return list(dict.fromkeys(each for each in found if each is not None and each.fingerprint.startswith(fingerprint)))


def _objects(line: str) -> Iterator[object]:
    """Every JSON object of a line that is not part of another one."""
    decoder, at, failed = json.JSONDecoder(), line.find("{"), 0
    while at >= 0 and failed < _FAILURES:
        try:
            told, end = decoder.raw_decode(line, at)
        except (ValueError, RecursionError):
            end, failed = at + 1, failed + 1
        else:
            yield told
        at = line.find("{", end)


def _statement(told: dict[str, object]) -> ToldStatement | None:
    profile, fingerprint = told.get("profile"), told.get("fingerprint")
    text = next((told[key] for key in _TEXTS if told.get(key)), None)
    if isinstance(profile, str) and isinstance(fingerprint, str) and isinstance(text, str):
        return ToldStatement(profile, fingerprint, text)
    return None


def whole_text(text: str) -> str:
    """A statement's text as it was told.

    Raises:
        ConfigError: its end was cut off, so nothing can plan it.
    """
    if len(text) < LONGEST_SHOWN:
        return text
    message = f"of this statement only the first {LONGEST_SHOWN} characters are told, and its end is needed for a plan"
    raise refused_statement(message, "give the statement in place of its fingerprint, with ? for its values")


def refused_statement(message: str, fix: str) -> ConfigError:
    """The error for a statement, or a fingerprint, that cannot be planned."""
    return ConfigError([Problem("argument", "statement", message, fix=fix)])
