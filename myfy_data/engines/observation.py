"""What an engine tells of its work: statements, ends of transactions, checkouts, units of work (ADR 36).

Everything is told when it is over, with its seconds. Waiting and running are two numbers: the one ends with more
connections, the other with a better statement.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from sqlalchemy.engine.interfaces import DBAPIConnection

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("myfy_data")

Kind = Literal["statement", "commit", "rollback"]
Outcome = Literal["commit", "rollback", "unknown", "partial"]
Incident = Literal["credentials", "leak", "retry", "reload"]
"""What is only counted: a provider was asked, a connection was held for too long, a unit ran again, a reload."""

OWN = "myfy_own"
"""Execution option of statements that are the library's own, such as a ping: they are not told."""

_HOLD, _WAITED, _CONNECTING = "myfy_hold", "myfy_waited", "myfy_connecting"
"""Where a pool's entry keeps what concerns its checkout."""


@dataclass(slots=True, eq=False)
class Unit:
    """What stands between the first statement on a connection and the end of its transaction.

    Attributes:
        began: when the first statement was sent, in monotonic seconds.
        ended: when the last answer came.
        pause: the longest time between two of them, in seconds.
        statements: how many were sent.
        waited: seconds that its user waited in it, and for it.
        notes: what listeners remember of it, each under a key of its own.
    """

    began: float
    ended: float
    pause: float = 0.0
    statements: int = 0
    waited: float = 0.0
    notes: dict[Any, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.ended - self.began


@dataclass(slots=True, eq=False)
class Operation:
    """A statement, COMMIT or ROLLBACK that was answered, or failed.

    Attributes:
        profile: the profile's name.
        kind: which of them it is.
        sql: its text as it was sent, so with the literals that stand in it: not to be shown as it is.
        waited: seconds that its user waited before it: for a connection, for SQLite's turn to write.
        ran: seconds from sending it to its answer.
        rows: how many came back or were changed; None where the driver does not tell.
        batch: how many sets of parameters it was sent for.
        error: what it failed with.
        unit: the unit of work that it belongs to.
    """

    profile: str
    kind: Kind
    sql: str
    waited: float
    ran: float
    rows: int | None
    batch: int
    error: BaseException | None
    unit: Unit


class EngineObserver:
    """Listens to engines. Every method is called in the task that worked, and returns at once."""

    def operation(self, seen: Operation) -> None:
        """A statement, COMMIT or ROLLBACK is over."""

    def checkout(self, profile: str, waited: float, connecting: float) -> None:
        """A connection was handed out.

        Args:
            profile: the profile's name.
            waited: seconds until one was free.
            connecting: seconds in which a new one was opened; 0.0 where none had to be.
        """

    def turn(self, profile: str, waited: float) -> None:
        """A turn to write to a SQLite file came."""

    def timeout(self, profile: str, waited: float) -> None:
        """No connection became free in time, or no turn to write came."""

    def connect(self, profile: str, seconds: float) -> None:
        """A connection was opened."""

    def checkin(self, profile: str, used: float) -> None:
        """A connection came back."""

    def unit_end(self, profile: str, unit: Unit | None, outcome: Outcome | None) -> None:
        """A unit of work has ended.

        Args:
            profile: the profile's name.
            unit: what it was; None where only its outcome is told.
            outcome: what became of it; None where COMMIT failed, whose outcome is told by its session.
        """

    def incident(self, profile: str, kind: Incident, outcome: str) -> None:
        """Something happened that is only counted.

        Args:
            profile: the profile's name; empty where it concerns none.
            kind: what it was.
            outcome: what became of it, in one of a few words.
        """


_TOLD = ("operation", "checkout", "turn", "timeout", "connect", "checkin", "unit_end", "incident")


def _said_by(kind: type[EngineObserver]) -> frozenset[str]:
    """Which methods a class of observers has of its own."""
    return frozenset(name for name in _TOLD if getattr(kind, name) is not getattr(EngineObserver, name))


@dataclass(slots=True, eq=False)
class Hold:
    """A connection that is checked out; also what the driver's own methods are told by.

    Attributes:
        recorder: the engine's.
        since: when it was handed out, in monotonic seconds.
        waited: seconds that its user waited and that no operation was told of yet.
        key: the `id` of SQLAlchemy's connection.
        unit: the unit of work that is under way.
        is_inside: whether an operation is being measured, so that the messages below it are parts of it.
    """

    recorder: EngineRecorder
    since: float
    waited: float
    key: int
    unit: Unit | None = None
    is_inside: bool = False

    def unit_at(self, now: float) -> Unit:
        """The unit of work that is under way; one begins here if there is none."""
        unit = self.unit
        if unit is None:
            unit = self.unit = Unit(now, now)
        elif now - unit.ended > unit.pause:
            unit.pause = now - unit.ended
        return unit

    async def measure(self, sql: str, send: Callable[[], Awaitable[T]]) -> T:
        """Send a statement by one of the driver's own methods, and tell of it."""
        started = time.monotonic()
        operation = Operation(self.recorder.profile, "statement", sql, 0.0, 0.0, None, 1, None, self.unit_at(started))
        self.is_inside = True
        try:
            return await send()
        except BaseException as error:
            operation.error = error
            raise
        finally:
            self.is_inside = False
            self.recorder.note(self, operation, started)


class EngineRecorder:
    """Measures one engine's work and tells it to all who listen.

    Args:
        profile: the profile's name.
        observers: who listens; may change.
        open_door: has a driver's connection tell of the statements that come by its own methods; of none any more.

    Attributes:
        pending_turns: tasks that wait for their turn to write.
    """

    def __init__(
        self,
        profile: str,
        observers: Sequence[EngineObserver],
        open_door: Callable[[DBAPIConnection, Hold | None], None],
    ) -> None:
        self.profile = profile
        self._open_door = open_door
        self._observers = observers
        self.pending_turns: int = 0
        self._known = 0
        self._hearing: dict[str, list[Any]] = {name: [] for name in _TOLD}
        self._complaints: set[tuple[str, str, str]] = set()
        self._holds: dict[int, Hold] = {}

    # -- the pool ------------------------------------------------------------------------------------------------------

    def note_wait(self, record: Any, waited: float) -> None:
        """A place in the pool was had after so many seconds."""
        record.record_info[_WAITED] = waited

    def note_connect(self, record: Any, seconds: float) -> None:
        """A connection of the pool was opened."""
        info = record.record_info
        info[_CONNECTING] = info.get(_CONNECTING, 0.0) + seconds
        self._tell("connect", self.profile, seconds)

    def note_turn(self, waited: float) -> None:
        """A turn to write was had after so many seconds."""
        self._tell("turn", self.profile, waited)

    def note_timeout(self, waited: float) -> None:
        """A wait was given up."""
        self._tell("timeout", self.profile, waited)

    def note_checkout(self, connection: DBAPIConnection, record: Any, _proxy: object = None) -> None:
        """A connection is handed out."""
        info = record.record_info
        waited, connecting = info.pop(_WAITED, 0.0), info.pop(_CONNECTING, 0.0)
        if (before := info.get(_HOLD)) is not None:  # one that turned out to be unfit
            self._holds.pop(before.key, None)
        hold = info[_HOLD] = Hold(self, time.monotonic(), waited, id(connection))
        self._holds[hold.key] = hold
        self._open_door(connection, hold)
        self._tell("checkout", self.profile, waited, connecting)

    def note_checkin(self, connection: DBAPIConnection | None, record: Any) -> None:
        """A connection came back; what was not committed by then is rolled back."""
        hold: Hold | None = record.record_info.pop(_HOLD, None)
        if hold is None:
            return
        self._holds.pop(hold.key, None)
        if connection is not None:
            self._open_door(connection, None)
        unit, hold.unit = hold.unit, None
        if unit is not None:
            self._tell("unit_end", self.profile, unit, "rollback")
        self._tell("checkin", self.profile, time.monotonic() - hold.since)

    def note_incident(self, kind: Incident, outcome: str) -> None:
        """Something happened that is only counted."""
        self._tell("incident", self.profile, kind, outcome)

    # -- statements and ends -------------------------------------------------------------------------------------------

    def hold_of(self, pooled: object) -> Hold | None:
        """The checkout of a connection; None while it is being opened, and for one that is not the pool's."""
        return self._holds.get(id(getattr(pooled, "dbapi_connection", None)))

    def note(self, hold: Hold, operation: Operation, started: float) -> None:
        """An operation is over.

        Args:
            hold: the checkout that it belongs to.
            operation: it, its seconds excepted; `waited` is what it waited for while it ran.
            started: when it was sent, in monotonic seconds.
        """
        now = time.monotonic()
        inside, operation.ran = operation.waited, now - started
        operation.ran = max(0.0, operation.ran - inside)
        operation.waited, hold.waited = inside + hold.waited, 0.0
        unit = operation.unit
        unit.ended = now
        unit.waited += operation.waited
        unit.statements += operation.kind == "statement"
        self._tell("operation", operation)

    def end_unit(self, hold: Hold, outcome: Outcome | None) -> None:
        """The unit of work on a connection has ended."""
        unit, hold.unit = hold.unit, None
        if unit is not None:
            self._tell("unit_end", self.profile, unit, outcome)

    def tell_outcome(self, outcome: Outcome) -> None:
        """What became of a COMMIT that failed, as its session knows it."""
        self._tell("unit_end", self.profile, None, outcome)

    def _tell(self, what: str, *arguments: object) -> None:
        if len(self._observers) != self._known:
            self._look()
        for hear in self._hearing[what]:
            try:
                hear(*arguments)
            except Exception as error:  # noqa: BLE001 - who listens must not break who works
                self._complain(hear.__self__, what, error)

    def _look(self) -> None:
        """Find out who hears what: a call for each operation to each who does not care adds up."""
        self._known = len(self._observers)
        self._hearing = {
            name: [getattr(each, name) for each in self._observers if name in _said_by(type(each))] for name in _TOLD
        }

    def _complain(self, observer: object, what: str, error: Exception) -> None:
        # Once for each kind, and without a traceback: it may go on to the statement's own, which shows literals.
        key = (type(observer).__name__, what, type(error).__name__)
        if key not in self._complaints:
            self._complaints.add(key)
            logger.warning("profile %r: %s.%s failed with %s", self.profile, *key)
