"""The rules of succession: which server is the primary, by what the last looks found (contract C11.3; ADR 32).

Pure: no clock, no socket. The monitor feeds it, and acts on what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from myfy_data.engines.connect.look import Look

MISSES_UNTIL_LEFT = 2
"""Looks that a primary may miss before it is left though no other server is primary."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of one server.

    Attributes:
        look: the last answer; None before the first one.
        misses: looks that it missed since then.
        error: why it missed the last one.
    """

    look: Look | None = None
    misses: int = 0
    error: str | None = None

    @property
    def is_looked_at(self) -> bool:
        """Whether it was asked at all."""
        return self.look is not None or self.misses > 0

    @property
    def present(self) -> Look | None:
        """The last answer, if the last look brought it."""
        return self.look if self.misses == 0 else None

    def seen(self, look: Look) -> Sight:
        """After an answer."""
        return Sight(look)

    def missed(self, error: str) -> Sight:
        """After a look that brought none."""
        return Sight(self.look, self.misses + 1, error)


@dataclass(frozen=True, slots=True)
class Succession:
    """Who is primary now.

    Attributes:
        primary: its address; None when there is none.
        why: why it changed, in a few words; empty when it did not.
        rivals: every server that says it takes writes, strangers left out, where only one of them may.
        strangers: servers of another cluster.
    """

    primary: str | None
    why: str
    rivals: tuple[str, ...]
    strangers: frozenset[str]


def succeed(
    present: str | None,
    sights: Mapping[str, Sight],
    system: str | None = None,
    readers: frozenset[str] = frozenset(),
) -> Succession:
    """The primary after the last looks.

    Args:
        present: the address of the present primary.
        sights: what is known of every server, by address, in written order.
        system: the cluster's identifier, where it is settled.
        readers: servers of `reads.hosts`, which are never the primary (ADR 48).
    """
    strangers = find_strangers(sights, system)
    claimants = tuple(
        address
        for address, sight in sights.items()
        if address not in strangers | readers and sight.present is not None and sight.present.is_primary
    )
    rivals = () if _are_peers(claimants, sights) else claimants
    why_left = _why_left(present, sights, claimants, strangers)
    if present is not None and not why_left:
        return Succession(present, "", rivals, strangers)
    # A first choice waits for every server: the one that answers first may be an old primary, or a stranger.
    if present is None and not all(sight.is_looked_at for sight in sights.values()):
        return Succession(None, "", rivals, strangers)
    primary = _highest([one for one in claimants if one != present], sights)
    found = f"{primary} says it is the primary" if primary is not None else ""
    return Succession(primary, "; ".join(filter(None, (why_left, found))), rivals, strangers)


def _are_peers(addresses: Iterable[str], sights: Mapping[str, Sight]) -> bool:
    """Whether servers take writes side by side, so that the claim of one says nothing against that of another."""
    groups = {look.peers if (look := sights[address].look) is not None else None for address in addresses}
    return len(groups) == 1 and None not in groups


def _why_left(
    present: str | None, sights: Mapping[str, Sight], claimants: Iterable[str], strangers: frozenset[str]
) -> str:
    if present is None:
        return ""
    sight = sights[present]
    if present in strangers:
        return f"{present} belongs to another cluster"
    if sight.misses == 0:
        look = sight.look
        if look is not None and look.is_primary:
            return ""
        return f"{present} says it is a replica{f': {look.reason}' if look is not None and look.reason else ''}"
    if sight.misses >= MISSES_UNTIL_LEFT:
        return f"{present} did not answer {sight.misses} looks"
    others = (one for one in claimants if one != present and not _are_peers((one, present), sights))
    return f"{present} did not answer" if any(others) else ""


def _highest(claimants: list[str], sights: Mapping[str, Sight]) -> str | None:
    """The claimant on the highest timeline; none where that is not known. Of peers the first one that is written."""
    if len(claimants) < 2:
        return claimants[0] if claimants else None
    timelines = {one: sight.look.timeline for one in claimants if (sight := sights[one]).look is not None}
    known = [timeline for timeline in timelines.values() if timeline is not None]
    if len(known) < len(claimants):
        return None
    highest = [one for one in claimants if timelines[one] == max(known)]
    return highest[0] if len(highest) == 1 or _are_peers(highest, sights) else None


def find_system(sights: Mapping[str, Sight]) -> str | None:
    """The identifier that most servers have; None when there is none, or no majority."""
    counted = Counter(system for sight in sights.values() if (system := _system(sight)) is not None).most_common(2)
    if not counted or (len(counted) > 1 and counted[0][1] == counted[1][1]):
        return None
    return counted[0][0]


def find_strangers(sights: Mapping[str, Sight], system: str | None) -> frozenset[str]:
    """Servers of another cluster than the others; all of them where there is no majority (of two, both are named)."""
    own = system if system is not None else find_system(sights)
    known = {address: found for address, sight in sights.items() if (found := _system(sight)) is not None}
    if own is None and len(set(known.values())) < 2:
        return frozenset()
    return frozenset(address for address, found in known.items() if found != own)


def _system(sight: Sight) -> str | None:
    return sight.look.system if sight.look is not None else None


def role_of(address: str, sights: Mapping[str, Sight], succession: Succession) -> str:
    """What a server is now: `primary`, `replica`, `stale`, `down`, `stranger` or `unknown`."""
    if address in succession.strangers:
        return "stranger"
    look = sights[address].present
    if look is None:
        return "down" if sights[address].misses else "unknown"
    primary = succession.primary
    if address == primary:
        return "primary"
    if look.is_primary and (primary is None or not _are_peers((address, primary), sights)):
        # Another one is: this is an old one that does not know it, or nothing decides between them.
        return "stale" if primary is not None else "unknown"
    is_cut_off = look.follows is False or (primary is not None and _is_elsewhere(address, primary, sights))
    return "stale" if is_cut_off else "replica"


def _is_elsewhere(address: str, primary: str, sights: Mapping[str, Sight]) -> bool:
    """Whether a replica is on an older timeline than the primary, or follows a server that does not lead to it."""
    look, first = sights[address].look, sights[primary].look
    if look is None or first is None or _are_peers((address, primary), sights):
        return False
    if None not in (look.timeline, first.timeline):
        return (look.timeline or 0) < (first.timeline or 0)
    return look.source is not None and not _leads_to(first.member, look.source, sights)


def _leads_to(member: str | None, source: str, sights: Mapping[str, Sight]) -> bool:
    """Whether a chain of servers that follow one another ends at a member."""
    sources = {look.member: look.source for sight in sights.values() if (look := sight.look) is not None}
    seen: set[str] = set()
    at: str | None = source
    while at is not None and at not in seen:
        if at == member:
            return True
        seen.add(at)
        at = sources.get(at)
    return False
