"""What counts as slow in a profile, and what is written of it (contract C12.3)."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from myfy_data.settings.table import Table

DEVELOPMENT = "development"
TEST = "test"


class SlowSettings(Table):
    """When a statement, a wait or a transaction is slow; a bound that is not set has the environment's default."""

    statement: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which a statement or a COMMIT is logged; 0.2 in `development`, elsewhere none.",
    )
    wait: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which a wait for a connection is logged; 0.1 in `development`, elsewhere none.",
    )
    transaction: float | None = Field(
        default=None,
        gt=0,
        description="Seconds from first statement to COMMIT after which a transaction is logged; 5.0 in `development`, "
        "elsewhere none.",
    )
    repeated: int = Field(
        default=5,
        ge=2,
        description="How often one SELECT may run in a transaction before a place is logged once, in `development` and "
        "`test`; elsewhere only when it is set.",
    )
    max_per_minute: int = Field(
        default=20, ge=1, description="Lines a minute for one kind and statement; what is beyond is counted."
    )


@dataclass(frozen=True, slots=True)
class SlowBounds:
    """The bounds in force for one profile.

    Attributes:
        statement: seconds for a statement or a COMMIT; None for no bound.
        wait: seconds for a wait for a connection; None for no bound.
        transaction: seconds from the first statement to the end; None for no bound.
        repeated: how often one SELECT may run in a transaction; None for no bound.
        max_per_minute: lines a minute for one kind and statement.
    """

    statement: float | None
    wait: float | None
    transaction: float | None
    repeated: int | None
    max_per_minute: int

    @property
    def is_any(self) -> bool:
        """Whether there is anything to look for."""
        return any(bound is not None for bound in (self.statement, self.wait, self.transaction, self.repeated))


def slow_bounds(settings: SlowSettings, environment: str) -> SlowBounds:
    """What is slow in a profile, by its settings and the environment's defaults. Pure."""
    is_development = environment == DEVELOPMENT
    said = settings.model_fields_set
    repeats = is_development or environment == TEST or "repeated" in said
    return SlowBounds(
        statement=settings.statement or (0.2 if is_development else None),
        wait=settings.wait or (0.1 if is_development else None),
        transaction=settings.transaction or (5.0 if is_development else None),
        repeated=settings.repeated if repeats else None,
        max_per_minute=settings.max_per_minute,
    )
