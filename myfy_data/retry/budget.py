"""A server in trouble is not helped by clients that all ask again: few repetitions for many units of work."""

from __future__ import annotations

import weakref

from myfy_data.sessions.factory import SessionFactory

FULL = 10.0
"""Repetitions that a quiet process may make at once."""

EARNED = 0.1
"""What a unit of work that ends well earns: over time, one repetition for ten of them."""


class RetryBudget:
    """How many repetitions the units of work of one profile may still make in this process.

    Attributes:
        left: repetitions, the fraction that was earned towards the next one included.
    """

    def __init__(self) -> None:
        self.left: float = FULL

    def earn(self) -> None:
        """Note a unit of work that ended well."""
        self.left = min(FULL, self.left + EARNED)

    def spend(self) -> bool:
        """Take one repetition; whether there was one left."""
        if self.left < 1:
            return False
        self.left -= 1
        return True


_BUDGETS: weakref.WeakKeyDictionary[SessionFactory, RetryBudget] = weakref.WeakKeyDictionary()


def budget_of(factory: SessionFactory) -> RetryBudget:
    """The budget that all units of work of a session factory share."""
    return _BUDGETS.setdefault(factory, RetryBudget())
