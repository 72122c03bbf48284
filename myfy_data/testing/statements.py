"""The statements that an application sends in a test, and how many there may be (contract C13.3)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

_SAVEPOINT = re.compile(r"\s*(?:savepoint|release|rollback\s+to)\b", re.IGNORECASE)
_SHOWN = 200
"""Characters of a statement that are told."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        profile: where it was sent.
        sql: its text, without parameters.
        place: the user's line that sent it.
    """

    profile: str
    sql: str
    place: str


@dataclass(slots=True, eq=False)
class SeenStatements:
    """What was sent inside a block.

    Attributes:
        profile: the profile that counts; every one when None.
        statements: what was sent, first to last.
    """

    profile: str | None = None
    statements: list[Statement] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many statements were sent."""
        return len(self.statements)

    def hear(self, statement: Statement) -> None:
        """Take note of a statement, if it counts."""
        if self.profile in (None, statement.profile):
            self.statements.append(statement)

    def assert_no_repeats(self) -> None:
        """Make sure that no statement was sent twice, as when related rows are loaded one by one.

        Raises:
            AssertionError: one was; says which, how often and where.
        """
        if any(times > 1 for times in Counter(each.sql for each in self.statements).values()):
            raise AssertionError(f"a statement was sent more than once:\n{described(self.statements)}")


class StatementLog:
    """Hears every statement of a test."""

    def __init__(self) -> None:
        self._listening: list[SeenStatements] = []

    @property
    def is_listening(self) -> bool:
        """Whether any block counts; else a statement need not be told."""
        return bool(self._listening)

    def tell(self, statement: Statement) -> None:
        """A statement is about to be sent."""
        if not _SAVEPOINT.match(statement.sql):
            for seen in self._listening:
                seen.hear(statement)

    @contextmanager
    def queries(self, profile: str | None = None) -> Iterator[SeenStatements]:
        """Listen inside a block."""
        seen = SeenStatements(profile)
        self._listening.append(seen)
        try:
            yield seen
        finally:
            self._listening.remove(seen)

    @contextmanager
    def exactly(self, number: int, profile: str | None = None) -> Iterator[SeenStatements]:
        """Listen inside a block that must send exactly so many statements.

        Raises:
            AssertionError: it sent more or fewer.
        """
        with self.queries(profile) as seen:
            yield seen
        if seen.count != number:
            raise AssertionError(f"expected {number} statements, {seen.count} were sent:\n{described(seen.statements)}")


def described(statements: Sequence[Statement]) -> str:
    """Statements in words: the same ones together with their number, the most frequent first, each with its places."""
    lines: list[str] = []
    for (profile, sql), times in Counter((each.profile, each.sql) for each in statements).most_common():
        text = " ".join(sql.split())
        lines.append(f"  {times} x {text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''} (profile {profile!r})")
        places = Counter(each.place for each in statements if (each.profile, each.sql) == (profile, sql))
        lines += [f"      {count} x at {place}" for place, count in places.most_common()]
    return "\n".join(lines) or "  none"
