"""Output: coloured on a terminal; piped, exactly the text, neither wrapped nor cut (contract C7).

What is piped never passes through rich. On a terminal rich gets finished text without markup, so that the
`[data.profiles.main]` of a message is no style.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import TextIO

Span = str | tuple[str, str]
"""Text, or text with the style that it has on a terminal."""

Line = Sequence[Span]

_INDENT = 4


class Columns(list[Span]):
    """A line of columns. On a terminal that is too narrow for it, the last one has a line of its own."""


_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
"""Escape sequences in a file must not drive the terminal that it is printed on."""


_ANSWERS: ContextVar[TextIO | None] = ContextVar("answers", default=None)
"""Standard output, while it is kept for what a command answers."""


@contextmanager
def only_answers() -> Iterator[None]:
    """Keep standard output for a command's answer, so that `--json` is JSON alone (contract C14.5).

    What anything else prints, such as SQLAlchemy's `echo`, goes to standard error.
    """
    token = _ANSWERS.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _ANSWERS.reset(token)


def answers() -> TextIO:
    """Where a command's answer goes."""
    return _ANSWERS.get() or sys.stdout


def write(lines: Iterable[Line]) -> None:
    """Write lines to standard output."""
    _write(answers(), lines)


def write_error(text: str) -> None:
    """Write a message to standard error; its fixes stand out on a terminal."""
    _write(sys.stderr, message_lines(text))


def write_note(line: Line) -> None:
    """Write one line to standard error: what goes on, beside the answer."""
    _write(sys.stderr, [line])
    sys.stderr.flush()


def is_watched() -> bool:
    """Whether the notes go to a terminal."""
    return _is_terminal(sys.stderr)


def write_json(value: object) -> None:
    """Write JSON to standard output; ASCII only, so that it is valid in every encoding."""
    answers().write(json.dumps(value, indent=2, default=str) + "\n")


def message_lines(text: str) -> Iterator[Line]:
    """The lines of an error's or a warning's text."""
    for line in text.split("\n"):
        yield [(line, "green")] if line.startswith("  fix: ") else [line]


def columns(rows: Sequence[Sequence[Span]]) -> Iterator[Line]:
    """Rows as lines with aligned columns; the last one is left as it is."""
    widths = [max(len(_text(row[column])) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    for row in rows:
        line: list[Span] = []
        for span, width in zip(row, widths, strict=False):
            line += [span, " " * (width - len(_text(span)) + 2)]
        yield Columns([*line, row[-1]])


def split_fix(text: str) -> tuple[str, str]:
    """An error's text without its fix, and the fix; empty where it has none."""
    message, _, fix = text.partition("\n  fix: ")
    return message, fix


@contextmanager
def progress(message: str) -> Iterator[None]:
    """Show on a terminal that something is going on; piped, nothing."""
    if not _is_terminal(sys.stderr):
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(message)):
        yield


def _write(stream: TextIO, lines: Iterable[Line]) -> None:
    if _is_terminal(stream):
        _draw(stream, lines)
        return
    for line in lines:
        stream.write("".join(_text(span) for span in line).translate(_CONTROL).rstrip() + "\n")


def _draw(stream: TextIO, lines: Iterable[Line]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    for line in lines:
        text = Text(end="")
        for span in _fitted(line, console.width):
            text.append(_text(span).translate(_CONTROL), None if isinstance(span, str) else span[1])
        console.print(text, soft_wrap=True)


def _fitted(line: Line, width: int) -> Line:
    """The line as it is, or with its last column below the others."""
    before = "".join(_text(span) for span in line[:-1])
    if not isinstance(line, Columns) or not before or len(before) + len(_text(line[-1])) <= width:
        return line
    return [*line[:-2], "\n" + " " * _INDENT, line[-1]]


def _text(span: Span) -> str:
    return span if isinstance(span, str) else span[0]


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()
