"""How far the primary had come at its last looks, which says how far a replica is behind (contract C11.3; ADR 46).

A replica whose machine hung, or that is cut off from its primary, does not know what it lacks, and calls itself level.
"""

from __future__ import annotations

from collections import deque

from myfy_data.engines.connect.look import Look

KEPT = 1024
"""Looks at the primary that are remembered; a replica that lacks more is this far behind at least."""


class Progress:
    """What the primary had, and when; times are the event loop's."""

    def __init__(self) -> None:
        self._noted: deque[tuple[float, Look]] = deque(maxlen=KEPT)

    def note(self, look: Look, at: float) -> None:
        """The primary said so at this time. What another one had by a count of its own is forgotten."""
        last = self._noted[-1][1] if self._noted else None
        if last is not None and (_history(last) != _history(look) or _came_undone(last, look)):
            self._noted.clear()
            last = None
        if last is None or last.progress != look.progress:  # else it had that earlier
            self._noted.append((at, look))

    def behind(self, look: Look, asked: float, answered: float) -> float:
        """Seconds since the primary is known to have had something that this server lacks; 0 when it lacks nothing.

        Args:
            look: what the server says of itself.
            asked: when it was asked; what the primary had later, it could not know.
            answered: when it said so.
        """
        since = answered
        for at, primary in reversed(self._noted):
            if not _lacks(look, primary):
                break
            since = at if at <= asked else since
        return answered - since


def _history(look: Look) -> object:
    """Whose count it is."""
    return look.peers or (look.system, look.timeline, look.member)


def _lacks(look: Look, other: Look) -> bool:
    """Whether a server lacks what another one had. One that it does not count says nothing: it may leave some out."""
    own = look.progress
    return any(own[count] < number for count, number in other.progress.items() if count in own)


def _came_undone(before: Look, now: Look) -> bool:
    """Whether a primary counts anew, as after RESET MASTER: what it counted before has not to be reached."""
    return bool(before.progress.keys() - now.progress.keys()) or _lacks(now, before)
