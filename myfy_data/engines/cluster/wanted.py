"""What a replica must have applied before it serves a read (contract C11.4; ADR 47)."""

from __future__ import annotations

from dataclasses import dataclass

from myfy_data.engines.cluster.own_writes import Written
from myfy_data.engines.cluster.token import Token
from myfy_data.engines.connect.look import Look
from myfy_data.engines.connect.position import Position

FOREIGN = "`after` is no token of this profile's servers"
UNKNOWN_COMMIT = "this request, task or job sent a COMMIT whose outcome is unknown, and a replica may lack it"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a read must find.

    Attributes:
        positions: all of them have been applied where it is found.
        is_open: something was written whose position is not known: the primary's present one covers it.
        refusal: why no position covers it, so that only the primary may serve; empty where one does.
        seconds: after which that ends by itself, where it does.
    """

    positions: tuple[str, ...] = ()
    is_open: bool = False
    refusal: str = ""
    seconds: float | None = None


def wanted_of(after: str | None, own: Written | None, look: Look | None) -> Wanted | None:
    """What a read must find; None for what any replica that may serve has.

    Args:
        after: what the caller passed as a token.
        own: what the request or task committed itself.
        look: what the present primary said of itself; None when there is none.
    """
    token = Token.parse(after)
    if after is not None and (token is None or _is_foreign(token.position, look)):
        return Wanted(refusal=FOREIGN)
    if own is not None and own.is_unknown:
        return Wanted(refusal=UNKNOWN_COMMIT, seconds=own.seconds_left)
    found = [token.position] if token is not None else []
    if own is not None:
        found.append(own.position)
    return _of_positions(found, look) if found else None


def _of_positions(found: list[Position | None], look: Look | None) -> Wanted:
    # What was written on another branch than the primary's is lost, or is in what the primary has: that is asked.
    usable = [one for one in found if one is not None and (look is None or _is_of_present(one, look))]
    return Wanted(tuple(one.text for one in usable), is_open=len(usable) < len(found))


def _is_of_present(position: Position, look: Look) -> bool:
    timeline = str(look.timeline) if look.timeline is not None else None
    branch = None if look.peers is not None else look.member or timeline
    return (position.system, position.branch) == (look.system, branch)


def _is_foreign(position: Position | None, look: Look | None) -> bool:
    return position is not None and look is not None and position.system != look.system
