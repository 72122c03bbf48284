"""Builds a tree from YAML events, with the mark of each key, and notes everything that a layer may not use."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from yaml import events

from myfy_data.errors import Problem
from myfy_data.layers.syntax import MOST_PROBLEMS, SPLIT, Limits, Place, Places, shown, spot, too_deep, too_many_values
from myfy_data.layers.yaml.frames import MERGE, NO_KEY, Anchored, Event, Frame, ListFrame, MappingFrame, Mark, place_of
from myfy_data.layers.yaml.scalars import (
    MAP_TAG,
    SEQ_TAG,
    UnknownTagError,
    WrongTagError,
    is_text,
    kind_of,
    plain_value,
    tagged_value,
)
from myfy_data.redaction import MASK

_COLON = re.compile(r"\s*+:")
_TABLE_BELOW = re.compile(r"[ \t]*+:[ \t]*+(?:#.*)?\r?$", re.MULTILINE)
_MERGE_TABLES = "put the keys of both under the first, and delete this line"


class Stop(Exception):
    """The problem noted last ends the reading."""


class Builder:
    """Takes events one by one.

    Attributes:
        problems: what was found wrong so far, each with its place.
        nulls: whether any value is null or empty.
        bare: offsets of keys that have neither colon nor value, as in `{key}`; they may be no keys at all.
    """

    def __init__(self, text: str, name: str, limits: Limits) -> None:
        self.text = text
        self.name = name
        self.limits = limits
        self.problems: list[tuple[Place, Problem]] = []
        self.nulls: bool = False
        self.bare: set[int] = set()
        self.values: int = -1  # the root is no key's value
        self.documents: int = 0
        self.anchors: dict[str, Anchored | None] = {}
        self.root: ListFrame = ListFrame(events.SequenceStartEvent(None, None, True), [], 0, 0)
        self.frame: Frame = self.root
        self.frames: list[Frame] = [self.root]

    def build(self, next_event: Callable[[], Event]) -> None:
        """Take all events.

        Raises:
            Stop: a limit is reached, or there is no way to go on.
        """
        take: dict[type, Callable[[Event], None]] = {
            events.ScalarEvent: self._scalar,
            events.MappingStartEvent: self._mapping,
            events.MappingEndEvent: self._end,
            events.SequenceStartEvent: self._sequence,
            events.SequenceEndEvent: self._end,
            events.AliasEvent: self._alias,
            events.DocumentStartEvent: self._document,
            **dict.fromkeys((events.StreamStartEvent, events.DocumentEndEvent, events.StreamEndEvent), _ignore),
        }
        for event in iter(next_event, None):
            take[type(event)](event)

    def problem(self, mark: Mark, key: str, message: str, fix: str, facts: tuple[str, ...] = ()) -> None:
        """Note a problem.

        Raises:
            Stop: there are enough.
        """
        place = place_of(mark)
        self.problems.append((place, Problem(spot(self.name, place), key, message, facts, fix)))
        if len(self.problems) >= MOST_PROBLEMS:
            raise Stop

    def _here(self, *more: object) -> str:
        """The key path of what is read now."""
        keys = [frame.key for frame in self.frames[1:] if frame.key is not NO_KEY]
        return shown(["<<" if key is MERGE else key for key in (*keys, *more)])

    def _count(self, values: int, event: Event) -> None:
        self.values += values
        if self.values > self.limits.values:
            place = place_of(event.start_mark)
            fix = "delete this line" if values > 1 else SPLIT  # an alias stands for all that its anchor holds
            self.problems.append((place, too_many_values(spot(self.name, place), self.limits, fix)))
            raise Stop

    def _check_depth(self, height: int, event: Event) -> None:
        if len(self.frames) - 1 + height > self.limits.depth:
            place = place_of(event.start_mark)
            self.problems.append((place, too_deep(spot(self.name, place), self.limits)))
            raise Stop

    def _document(self, event: Event) -> None:
        self.documents += 1
        if self.documents > 1:
            self.problem(event.start_mark, "", "a second document starts here", "keep one document in a file")
            raise Stop

    def _scalar(self, event: Event) -> None:
        frame = self.frame
        if frame.key is NO_KEY:
            self._scalar_key(frame, event)
            return
        self._count(1, event)
        value = event.value
        if event.implicit[0] or event.tag is not None:
            value = self._resolve(event)
            if value is None:
                self._null(frame, event)
        if event.anchor is not None:
            self.anchors[event.anchor] = Anchored(value)
        frame.add(value, event.start_mark)

    def _resolve(self, event: Event) -> object:
        try:
            return plain_value(event.value) if event.tag is None else tagged_value(event.tag, event.value)
        except UnknownTagError:
            self._unknown_tag(event)
        except WrongTagError as wrong:
            self.problem(event.start_mark, self._here(), f"its tag wants {wrong}", "delete the tag")
        except ValueError:
            fix = "put text in quotes"
            self.problem(event.start_mark, self._here(), "this number has too many digits to be read", fix)
        return event.value

    def _unknown_tag(self, event: Event) -> None:
        # The tag itself is not named: it may be a password that starts with '!'.
        fix = "delete the tag; put text that starts with '!' in quotes"
        self.problem(event.start_mark, self._here(), "only the tags of YAML itself may be used", fix)

    def _null(self, frame: Frame, event: Event) -> None:
        self.nulls = True
        if isinstance(frame, MappingFrame):
            start = frame.places[frame.key].index
            if not self.text[start : event.start_mark.index].rstrip().endswith(":"):
                self.bare.add(start)

    def _scalar_key(self, frame: Frame, event: Event) -> None:
        key: Any = event.value
        if event.tag is not None or (event.implicit[0] and not is_text(key)):
            key = self._resolve(event)
        elif key == "<<" and event.implicit[0]:
            key = MERGE
        if event.anchor is not None:
            self.anchors[event.anchor] = Anchored(key)
        self._set_key(frame, key, event)

    def _set_key(self, frame: Frame, key: Any, event: Event) -> None:
        mark = event.start_mark
        if type(key) is not str and key is not MERGE:
            label = f'"{event.value}"' if self._has_colon(event) and shown([event.value]) != MASK else '"..."'
            self.problem(
                mark, self._here(), f"a key must be text, this one is {kind_of(key)}", f"put it in quotes: {label}"
            )
            key = f"{kind_of(key)} {mark.index}"
        elif key in frame.places:
            fact = f"first at {spot(self.name, place_of(frame.places[key]))}"
            label = self._here(key if self._has_colon(event) else MASK)
            fix = (
                _MERGE_TABLES if _TABLE_BELOW.match(self.text, event.end_mark.index) else "delete one of the two lines"
            )
            self.problem(mark, label, "is set twice", fix, (fact,))
        frame.places.setdefault(key, mark)
        frame.key = key

    def _has_colon(self, event: Event) -> bool:
        """Whether a key is written as one. What has no colon may be a misplaced value, so it is not repeated."""
        return bool(_COLON.match(self.text, event.end_mark.index))

    def _mapping(self, event: Event) -> None:
        self._open(event, MappingFrame(event, {}, NO_KEY, self.values), MAP_TAG)

    def _sequence(self, event: Event) -> None:
        self._open(event, ListFrame(event, [], 0, self.values), SEQ_TAG)

    def _open(self, event: Event, frame: Frame, tag: str) -> None:
        parent = self.frame
        if parent.key is NO_KEY:
            fix = "put text that starts with '{' or '[' in quotes"
            self.problem(event.start_mark, self._here(), f"a key must be text, this one is {kind_of(frame.node)}", fix)
            raise Stop
        self._count(1, event)
        self._check_depth(1, event)
        if event.tag is not None and event.tag != tag:
            self._unknown_tag(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        parent.places.inner[parent.key] = frame.places
        self.frames.append(frame)
        self.frame = frame

    def _end(self, _event: Event) -> None:
        frame = self.frames.pop()
        parent = self.frame = self.frames[-1]
        if MERGE in frame.places:
            self._merge(frame)
        if frame.anchor is not None:
            values = self.values - frame.before
            self.anchors[frame.anchor] = Anchored(frame.node, frame.places, values, frame.height)
        parent.height = max(parent.height, frame.height + 1)
        parent.add(frame.node, frame.mark)

    def _alias(self, event: Event) -> None:
        known = self.anchors.get(event.anchor)
        if known is None:
            inside = event.anchor in self.anchors
            message = "this alias stands inside its own anchor" if inside else "no anchor of this name stands above"
            self.problem(event.start_mark, self._here(), message, "put text that starts with '*' in quotes")
            known = Anchored("")
        frame = self.frame
        if frame.key is NO_KEY:
            self._set_key(frame, known.node, event)
            return
        self._count(known.values, event)
        self._check_depth(known.height, event)
        frame.height = max(frame.height, known.height + 1)
        if known.places is not None:
            frame.places.inner[frame.key] = known.places
        frame.add(known.node, event.start_mark)

    def _merge(self, frame: Frame) -> None:
        """Replace `<<` by the keys of the tables it names; the table's own keys win, then the first table."""
        value, mark = frame.node.pop(MERGE), frame.places.pop(MERGE)
        places = frame.places.inner.pop(MERGE, Places())
        sources = [(value, places)]
        if type(value) is list:
            sources = [(item, places.inner.get(number, Places())) for number, item in enumerate(value)]
        for table, marks in sources:
            if type(table) is not dict:
                self.problem(mark, self._here("<<"), "expected a table or a list of tables", "delete this line")
                continue
            for key in table:
                if key not in frame.node:
                    frame.node[key] = table[key]
                    frame.places[key] = marks[key]
                    if key in marks.inner:
                        frame.places.inner[key] = marks.inner[key]


def _ignore(_event: Event) -> None:
    """Some events say nothing."""
