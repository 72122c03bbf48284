"""Which of a profile's servers a connection may come from (contract C11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from myfy_data.settings.database_settings import DatabaseSettings

ReadFrom = Literal["primary", "prefer-replica", "replica"]


@dataclass(frozen=True, slots=True)
class Route:
    """What a session may use.

    Attributes:
        read_only: the server refuses its writes.
        source: `primary`, `prefer-replica` or `replica`.
        after: a token of what its reads must find (contract C11.4).
    """

    read_only: bool
    source: ReadFrom
    after: str | None = None

    @staticmethod
    def of(
        settings: DatabaseSettings, *, read_only: bool = False, read_from: str | None = None, after: str | None = None
    ) -> Route:
        """The route of a session of a profile."""
        if not (read_only or settings.read_only):
            return Route(read_only=False, source="primary")
        if read_from is not None:
            return Route(read_only=True, source="replica" if read_from == "replica" else "primary", after=after)
        return Route(read_only=True, source=settings.reads.from_, after=after)
