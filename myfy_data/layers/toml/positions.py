"""Where the keys of a TOML text stand.

No TOML parser is fast, safe and keeps positions, so the file is parsed without them and this scanner passes over
the text again on demand. It trusts the parser: it checks no syntax, and where it cannot go on it stops.
It also sees keys that are made twice, because the parser names only the second one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto

import tomli

from myfy_data.layers.syntax import MOST_PROBLEMS, Places

_GAP = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_INLINE_GAP = re.compile(r"(?:[ \t\r\n,]++|#[^\n]*+)*+")
_KEY = re.compile(r"""[ \t]*+([A-Za-z0-9_-]++|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+')[ \t]*+([.=\]])""")
_SCALAR = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|"(?!"")(?:[^"\\\n]++|\\[^\n])*+"'
    r"|'(?!'')[^'\n]*+'"
    r"|[\w+.:-]++(?:[ ][0-9][\w+.:-]*+)?",
    re.DOTALL,
)


class Made(Enum):
    """How a table or list came to be, which decides what may still be added to it."""

    ON_THE_WAY = auto()  # by a longer header
    BY_HEADER = auto()
    BY_DOTS = auto()
    BY_HEADERS = auto()  # an array of tables
    INLINE = auto()
    LIST = auto()


_EXTENSIBLE_BY_DOTS = frozenset({Made.ON_THE_WAY, Made.BY_DOTS})
_EXTENSIBLE_BY_HEADER = frozenset({Made.ON_THE_WAY, Made.BY_HEADER, Made.BY_DOTS, Made.BY_HEADERS})


class _Table(Places[int]):
    __slots__ = ("made", "path")

    def __init__(self, made: Made, path: tuple[str | int, ...]) -> None:
        super().__init__()
        self.made = made
        self.path = path


@dataclass(frozen=True, slots=True)
class Clash:
    """A key that is made twice: its path, both offsets, and whether the second one stands in a `[header]`."""

    path: tuple[str | int, ...]
    first: int
    again: int
    header: bool


@dataclass(slots=True)
class Scan:
    """What one pass found; offsets count characters of the text.

    Attributes:
        keys: the offset of each key; of a table, where it is named first.
        clashes: keys made twice, in the order of the text.
        stuck: where the scanner could not go on; None when it came to the end.
        deep: what lies deeper than allowed; the pass ends there.
    """

    keys: Places[int]
    clashes: list[Clash] = field(default_factory=list)
    stuck: int | None = None
    deep: int | None = None


class _StuckError(Exception):
    def __init__(self, at: int) -> None:
        self.at = at


class _TooDeepError(_StuckError):
    pass


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a dotted key; `at` is the offset of its first character, a quote included."""

    name: str
    at: int


def scan_toml(text: str, depth: int) -> Scan:
    """Find the keys of a text with tables and lists inside each other up to `depth`, the root included."""
    return _Scanner(text, depth).run()


class _Scanner:
    def __init__(self, text: str, depth: int) -> None:
        self.text = text
        self.depth = depth
        self.root = _Table(Made.BY_HEADER, ())
        self.section = self.root
        self.scan = Scan(self.root)

    def run(self) -> Scan:
        at = 0
        try:
            while (at := self.skip(_GAP, at)) < len(self.text) and len(self.scan.clashes) < MOST_PROBLEMS:
                at = self.header(at) if self.text[at] == "[" else self.pair(at)
        except _TooDeepError as stop:
            self.scan.deep = stop.at
        except _StuckError as stop:
            self.scan.stuck = stop.at
        return self.scan

    def skip(self, gap: re.Pattern[str], at: int) -> int:
        found = gap.match(self.text, at)
        return found.end() if found else at

    def key(self, at: int) -> tuple[list[_Part], int]:
        """The parts of the key at `at`, and the offset behind the `=` or `]` that ends it."""
        parts: list[_Part] = []
        while True:
            found = _KEY.match(self.text, at)
            if found is None:
                raise _StuckError(at)
            parts.append(_Part(_key_name(found[1], found.start(1)), found.start(1)))
            at = found.end()
            if found[2] != ".":
                return parts, at
            if len(parts) > self.depth:
                raise _TooDeepError(parts[self.depth - 1].at)

    def header(self, at: int) -> int:
        """`[table]` or `[[array of tables]]`; the pairs that follow belong to it."""
        in_array = self.text.startswith("[[", at)
        parts, at = self.key(at + 1 + in_array)
        table = self.root
        for part in parts[:-1]:
            table = self.through(part, table)
        self.section = self.open_array(parts[-1], table) if in_array else self.open_table(parts[-1], table)
        return at + in_array

    def through(self, part: _Part, table: _Table) -> _Table:
        """One step of a header: into a table that may be new, or into the last table of an array."""
        if part.name not in table:
            return self.make(part, table, Made.ON_THE_WAY)
        inner = table.inner.get(part.name)
        if inner is None or inner.made not in _EXTENSIBLE_BY_HEADER:
            return self.clash(part, table, header=True)
        return inner.inner[len(inner) - 1] if inner.made is Made.BY_HEADERS else inner

    def open_table(self, part: _Part, table: _Table) -> _Table:
        if part.name not in table:
            return self.make(part, table, Made.BY_HEADER)
        inner = table.inner.get(part.name)
        if inner is None or inner.made is not Made.ON_THE_WAY:
            return self.clash(part, table, header=True)
        inner.made = Made.BY_HEADER
        return inner

    def open_array(self, part: _Part, table: _Table) -> _Table:
        array = table.inner.get(part.name)
        if part.name not in table:
            array = self.make(part, table, Made.BY_HEADERS)
        if array is None or array.made is not Made.BY_HEADERS:
            return self.clash(part, table, header=True)
        array[len(array)] = part.at
        return self.child(array, len(array) - 1, Made.BY_HEADER)

    def pair(self, at: int) -> int:
        """`key = value` of the section, with everything inside the value."""
        parts, at = self.key(at)
        held: list[_Table] = []
        at = self.value(at, self.define(parts, self.section), parts[-1].name, held)
        while held:
            at = self.inside(at, held)
        return at

    def inside(self, at: int, held: list[_Table]) -> int:
        """The next item of the innermost open inline table or list, or its end."""
        at, table = self.skip(_INLINE_GAP, at), held[-1]
        if self.text.startswith(("]", "}"), at):
            held.pop()
            return at + 1
        if table.made is Made.LIST:
            table[len(table)] = at
            return self.value(at, table, len(table) - 1, held)
        parts, at = self.key(at)
        return self.value(at, self.define(parts, table), parts[-1].name, held)

    def value(self, at: int, table: _Table, name: str | int, held: list[_Table]) -> int:
        """Pass over a scalar, or open a list or inline table."""
        at = self.skip(_GAP, at)
        if self.text.startswith(("[", "{"), at):
            held.append(self.child(table, name, Made.LIST if self.text[at] == "[" else Made.INLINE, at))
            return at + 1
        found = _SCALAR.match(self.text, at)
        if found is None:
            raise _StuckError(at)
        return found.end()

    def define(self, parts: list[_Part], table: _Table) -> _Table:
        """Note the key of a pair; returns the table that its last part stands in."""
        for part in parts[:-1]:
            inner = table.inner.get(part.name)
            if part.name not in table:
                table = self.make(part, table, Made.BY_DOTS)
            elif inner is None or inner.made not in _EXTENSIBLE_BY_DOTS:
                table = self.clash(part, table, header=False)
            else:
                inner.made = Made.BY_DOTS
                table = inner
        if parts[-1].name in table:
            self.clash(parts[-1], table, header=False)
            return _Table(Made.INLINE, table.path)
        table[parts[-1].name] = parts[-1].at
        return table

    def make(self, part: _Part, table: _Table, made: Made) -> _Table:
        table[part.name] = part.at
        return self.child(table, part.name, made, part.at)

    def child(self, table: _Table, name: str | int, made: Made, at: int | None = None) -> _Table:
        inner = _Table(made, (*table.path, name))
        if len(inner.path) >= self.depth:
            raise _TooDeepError(table[name] if at is None else at)
        table.inner[name] = inner
        return inner

    def clash(self, part: _Part, table: _Table, *, header: bool) -> _Table:
        """Note a key that is made twice; what stands below the second one goes nowhere."""
        path = (*table.path, part.name)
        self.scan.clashes.append(Clash(path, table[part.name], part.at, header))
        return _Table(Made.BY_HEADER, path)


def _key_name(written: str, at: int) -> str:
    if written[0] not in "\"'":
        return written
    if written[0] == "'" or "\\" not in written:
        return written[1:-1]
    try:
        return str(tomli.loads(f"key = {written}")["key"])
    except tomli.TOMLDecodeError:
        raise _StuckError(at) from None
