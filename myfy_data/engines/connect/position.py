"""How far a server has come, in its database's words: what tokens hold, what replicas are asked (contract C11.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Answer = Sequence[Any]
"""One row of a driver's; its SELECT says what stands in it."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a server that takes writes had come at some moment.

    Attributes:
        text: as the database writes it.
        system: the identifier of the cluster, as in a look; None where there is none.
        branch: what another primary changes, so that its positions are not compared with these; None where any server
            that takes writes goes on with the same ones.
    """

    text: str
    system: str | None = None
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class PositionQuestions:
    """How a database is asked.

    Attributes:
        written: a SELECT of how far a server that takes writes has come; what was committed before is in it.
        read_written: the position in the answer; None where the server has none.
        applied: for positions, a SELECT of how far a replica has applied, so that its statements see it.
        reaches: whether the answer to that is at or behind a position's text.
    """

    written: str
    read_written: Callable[[Answer], Position | None]
    applied: Callable[[Sequence[str]], str]
    reaches: Callable[[Answer, str], bool]
