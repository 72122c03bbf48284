"""What is open while YAML events are read, and what anchors name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from myfy_data.layers.syntax import Place, Places

Event: TypeAlias = Any  # the stubs leave the fields of events and marks untyped
Mark: TypeAlias = Any

MERGE: Any = object()
"""The key that a plain `<<` becomes; text `"<<"` in quotes stays text."""
NO_KEY: Any = object()
"""A mapping waits for its next key."""


def place_of(mark: Mark) -> Place:
    """A parser's mark, which counts from 0, in lines and columns."""
    return mark.line + 1, mark.column + 1


class Frame:
    """An open mapping or list: what it holds so far, and the key or number of what comes next."""

    __slots__ = ("anchor", "before", "height", "key", "mark", "node", "places")

    def __init__(self, event: Event, node: object, key: object, before: int) -> None:
        self.node: Any = node
        self.key: Any = key
        self.mark: Mark = event.start_mark
        self.anchor: str | None = event.anchor
        self.before: int = before
        self.height: int = 1
        self.places: Places[Mark] = Places()

    def add(self, value: object, mark: Mark) -> None:
        """Take the next value; `mark` is where it stands."""
        raise NotImplementedError


class MappingFrame(Frame):
    """An open mapping; the builder notes the mark of each key itself."""

    __slots__ = ()

    def add(self, value: object, mark: Mark) -> None:  # noqa: ARG002 - the place of a value is its key's
        """Set the key to the value."""
        self.node[self.key] = value
        self.key = NO_KEY


class ListFrame(Frame):
    """An open list; its items have marks because problems may lie in them."""

    __slots__ = ()
    key: int

    def add(self, value: object, mark: Mark) -> None:
        """Append the value."""
        self.node.append(value)
        self.places[self.key] = mark
        self.key += 1


@dataclass(frozen=True, slots=True)
class Anchored:
    """What an alias stands for; `values` counts everything in it, `height` its levels."""

    node: Any
    places: Places[Mark] | None = None
    values: int = 1
    height: int = 0
