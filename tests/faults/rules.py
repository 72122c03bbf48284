"""Which fault falls on which message."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.messages import Message, Predicate


class Fault(enum.Enum):
    """What happens at the message that a rule waits for; all of it on that message's connection."""

    DELAY = "delay"
    """The message, and what follows it, is forwarded `seconds` later."""

    BLACK_HOLE = "black hole"
    """The message and all that follows, in both directions, is swallowed; the connection stays up and silent."""

    RESET = "reset"
    """The message is not forwarded: client and server get a TCP reset."""

    HALF_CLOSE = "half-close"
    """The message is not forwarded: the client reads the end of the stream, and can still write, in vain."""

    CUT = "cut"
    """The message is forwarded; of its answer the first `at` bytes come back, by default half of the first packet,
    then the connection is closed."""

    LOSE_REPLY = "lost reply, then silence"
    """The message is forwarded and the server does what it says; its answer and all later ones are swallowed."""

    LOSE_REPLY_AND_CLOSE = "lost reply, then close"
    """The message is forwarded; when the server has answered it the answer is swallowed and the connection closed."""

    DROP_REPLY = LOSE_REPLY_AND_CLOSE


@dataclass
class Rule:
    """A fault that waits for its message, and falls once.

    Attributes:
        fault: what happens.
        when: which messages count; None for all.
        nth: at the how-manieth of them it falls, counted from arming, over all connections.
        seconds: for `Fault.DELAY`.
        at: for `Fault.CUT`.
        everywhere: from then on the whole proxy is silent, until `heal()`.
        then: called when the client waits in vain: its message was swallowed, or what the server did thereupon.
        hit: the message that it fell on.
    """

    fault: Fault
    when: Predicate | None = None
    nth: int = 1
    seconds: float = 0.2
    at: int | None = None
    everywhere: bool = False
    then: Callable[[], object] = lambda: None
    hit: Message | None = None
    _seen: int = field(default=0, repr=False)

    @property
    def fired(self) -> bool:
        """Whether the fault has fallen."""
        return self.hit is not None

    def falls_on(self, message: Message) -> bool:
        """Whether the fault falls on this message; counts it."""
        if self.fired or (self.when is not None and not self.when(message)):
            return False
        self._seen += 1
        if self._seen == self.nth:
            self.hit = message
        return self.fired
