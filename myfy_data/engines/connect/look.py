"""What one look at a server found out: its role, and how far it is, in the words of no database (contract C11.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Look:
    """What a server said of itself.

    Attributes:
        is_primary: it takes writes, as far as it knows.
        system: the identifier of the cluster that it belongs to; None where there is none.
        timeline: counts promotions; of two servers that both take writes the higher one is right. None when unknown.
        follows: whether a replica receives from another server; None when the account may not see it.
        lag: seconds that a replica is behind; None when unknown.
        hint: what lets the account see what it could not, as a statement; empty when it saw everything.
        peers: what servers that take writes side by side have in common; None where only one may take them.
        member: what the replicas of this server call it; None where they do not say.
        source: the `member` of the server that it follows; None when unknown.
        reason: why it takes no writes, or serves no readers, where its role does not tell; empty else.
        cut_off: it is no primary, and would take what this account writes all the same, or let it wait.
        progress: how far it has come: numbers that grow, by what each of them counts. A replica's grow to the primary's
            as it receives what that wrote. Empty when unknown.
    """

    is_primary: bool
    system: str | None = None
    timeline: int | None = None
    follows: bool | None = True
    lag: float | None = None
    hint: str = ""
    peers: str | None = None
    member: str | None = None
    source: str | None = None
    reason: str = ""
    cut_off: bool = False
    progress: Mapping[str, int] = field(default_factory=dict)
