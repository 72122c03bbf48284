"""An observer for tests that notes what engines tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from myfy_data.engines.observation import EngineObserver, Operation, Outcome, Unit


@dataclass(eq=False)
class Notes(EngineObserver):
    """Everything that was told, in order.

    Attributes:
        operations: statements, COMMIT and ROLLBACK.
        checkouts: seconds of waiting and of connecting, each.
        turns: seconds of waiting for SQLite's turn to write.
        timeouts: seconds of waits that were given up.
        connects: seconds of connecting.
        checkins: seconds of use.
        units: how many statements each unit of work had, and its outcome.
    """

    operations: list[Operation] = field(default_factory=list)
    checkouts: list[tuple[float, float]] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    connects: list[float] = field(default_factory=list)
    checkins: list[float] = field(default_factory=list)
    units: list[tuple[int, Outcome | None]] = field(default_factory=list)

    @property
    def told(self) -> list[str]:
        """Statements and ends, as they were sent."""
        return [operation.sql for operation in self.operations]

    def of(self, words: str) -> list[Operation]:
        """The operations whose text has these words in it."""
        return [operation for operation in self.operations if words in operation.sql]

    def operation(self, seen: Operation) -> None:
        self.operations.append(seen)

    def checkout(self, profile: str, waited: float, connecting: float) -> None:  # noqa: ARG002 - as all are told
        self.checkouts.append((waited, connecting))

    def turn(self, profile: str, waited: float) -> None:  # noqa: ARG002 - as all are told
        self.turns.append(waited)

    def timeout(self, profile: str, waited: float) -> None:  # noqa: ARG002 - as all are told
        self.timeouts.append(waited)

    def connect(self, profile: str, seconds: float) -> None:  # noqa: ARG002 - as all are told
        self.connects.append(seconds)

    def checkin(self, profile: str, used: float) -> None:  # noqa: ARG002 - as all are told
        self.checkins.append(used)

    def unit_end(self, profile: str, unit: Unit | None, outcome: Outcome | None) -> None:  # noqa: ARG002 - as all are told
        self.units.append((unit.statements if unit is not None else 0, outcome))
