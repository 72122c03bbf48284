"""What is slow in one profile, in one line each: waiting and running apart, with the user's line (contract C12.3)."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from myfy_data.engines.observation import EngineObserver, Operation, Outcome, Unit
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.settings.slow import SlowBounds
from myfy_data.telemetry.line_limit import LineLimit
from myfy_data.telemetry.places import users_place
from myfy_data.telemetry.slow_queries import SlowQueries, SlowQuery
from myfy_data.telemetry.statement_text import StatementText, statement_text

slow_logger: logging.Logger = logging.getLogger("myfy_data.slow")
queries_logger: logging.Logger = logging.getLogger("myfy_data.queries")

_PLACES = 1000
"""Places whose repeated queries were told, and are not told again."""

_REPEATED_FIX = (
    "load related rows with the first query, such as select(User).options(selectinload(User.orders)),"
    " or ask for all of them at once: .where(User.id.in_(ids))"
)


@dataclass(slots=True)
class _Repeats:
    """How often one SELECT ran in a unit of work."""

    statement: StatementText
    count: int = 0
    waited: float = 0.0
    ran: float = 0.0
    place: str = ""


class SlowLog(EngineObserver):
    """Writes what is slow in a profile, and has it remembered.

    Args:
        profile: the profile's name.
        database: `postgresql`, `mysql` or `sqlite`.
        bounds: what is slow; may be replaced.
        memory: remembers the worst.
        pool: tells what the profile's pool does.

    Attributes:
        bounds: as the argument.
        database: as the argument.
    """

    def __init__(
        self,
        profile: str,
        database: str,
        bounds: SlowBounds,
        memory: SlowQueries,
        pool: Callable[[], PoolStatus | None] = lambda: None,
    ) -> None:
        self.bounds = bounds
        self._profile = profile
        self.database: str = database
        self._memory = memory
        self._pool = pool
        self._limit = LineLimit()
        self._told: OrderedDict[str, None] = OrderedDict()

    # -- statements ----------------------------------------------------------------------------------------------------

    def operation(self, seen: Operation) -> None:
        """Write a statement or an end that was slow, and count a SELECT."""
        bounds = self.bounds
        if bounds.repeated is not None and seen.kind == "statement":
            self._count(seen, bounds.repeated)
        if bounds.statement is None or seen.ran < bounds.statement:
            return
        text = statement_text(seen.sql, self.database)
        failed = "" if seen.error is None else f"  failed: {type(seen.error).__name__}"
        rows = "" if seen.rows is None else f"  rows {seen.rows}"
        what = "query" if seen.kind == "statement" else seen.kind
        self._write(
            SlowQuery(
                self._profile, seen.kind, seen.waited, seen.ran, seen.rows, text.fingerprint, text.text, users_place()
            ),
            f"{what} {_span(seen.ran)}  waited {_span(seen.waited)}{rows}  {text.summary} ({text.fingerprint}){failed}",
        )

    def _count(self, seen: Operation, most: int) -> None:
        text = statement_text(seen.sql, self.database)
        if text.operation != "SELECT":
            return
        repeats: dict[str, _Repeats] = seen.unit.notes.setdefault(self, {})
        found = repeats.get(text.fingerprint) or repeats.setdefault(text.fingerprint, _Repeats(text))
        found.count += 1
        found.waited += seen.waited
        found.ran += seen.ran
        if found.count == most:
            found.place = users_place()

    # -- waiting -------------------------------------------------------------------------------------------------------

    def checkout(self, profile: str, waited: float, connecting: float) -> None:  # noqa: ARG002 - as all are told
        """Write a wait for a connection that was long."""
        if self.bounds.wait is not None and waited >= self.bounds.wait:  # most are not, and a call is saved
            self._waited("a connection", waited, f"  connecting {_span(connecting)}" if connecting else "")

    def turn(self, profile: str, waited: float) -> None:  # noqa: ARG002 - as above
        """Write a wait for SQLite's turn to write that was long."""
        self._waited("the turn to write", waited, "")

    def timeout(self, profile: str, waited: float) -> None:  # noqa: ARG002 - as above
        """Write a wait that was given up."""
        self._waited("a connection or a turn, and none came", waited, "")

    def _waited(self, what: str, waited: float, more: str) -> None:
        if self.bounds.wait is None or waited < self.bounds.wait:
            return
        found = SlowQuery(self._profile, "wait", waited, 0.0, None, "", "", users_place())
        self._write(found, f"waited {_span(waited)} for {what}  ran 0 ms{more}{self._pool_words()}")

    def _pool_words(self) -> str:
        status = self._pool()
        if status is None:
            return ""
        return f"  pool {status.checked_out} in use of {status.size}, {status.waiting} waiting"

    # -- units of work -------------------------------------------------------------------------------------------------

    def unit_end(self, profile: str, unit: Unit | None, outcome: Outcome | None) -> None:  # noqa: ARG002 - as above
        """Write a transaction that was long, and queries that were repeated in it."""
        if unit is None:
            return
        for repeats in unit.notes.pop(self, {}).values():
            if repeats.place:
                self._tell_repeats(repeats)
        if self.bounds.transaction is None or unit.seconds < self.bounds.transaction:
            return
        found = SlowQuery(self._profile, "transaction", unit.waited, unit.seconds, None, "", "", users_place())
        idle = f"  idle {_span(unit.pause)} of it between two statements"
        self._write(found, f"transaction {_span(unit.seconds)}  waited {_span(unit.waited)}{idle}")

    def _tell_repeats(self, repeats: _Repeats) -> None:
        if repeats.place in self._told:
            return
        self._told[repeats.place] = None
        if len(self._told) > _PLACES:
            self._told.popitem(last=False)
        text = repeats.statement
        found = SlowQuery(
            self._profile, "repeated", repeats.waited, repeats.ran, None, text.fingerprint, text.text, repeats.place
        )
        queries_logger.warning(
            "%s  %s (%s) ran %d times in one transaction  waited %s, ran %s  %s\n  fix: %s",
            self._profile,
            text.summary,
            text.fingerprint,
            repeats.count,
            _span(repeats.waited),
            _span(repeats.ran),
            repeats.place,
            _REPEATED_FIX,
            extra=_fields(found, repeats.count),
        )
        self._memory.add(found)

    # -- the line ------------------------------------------------------------------------------------------------------

    def _write(self, found: SlowQuery, words: str) -> None:
        self._memory.add(found)
        line = self._limit.admit((found.kind, found.fingerprint or found.place), self.bounds.max_per_minute)
        if line is not None:
            message, extra = "%s  %s  %s%s", _fields(found, line.count)
            slow_logger.warning(message, self._profile, words, found.place, line.note, extra=extra)


def _fields(found: SlowQuery, count: int) -> dict[str, object]:
    """What a record has beside its message, for loggers that write fields."""
    names = ("profile", "kind", "waited_s", "ran_s", "rows", "fingerprint", "statement", "place")
    return {**{name: getattr(found, name) for name in names}, "count": count}


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
