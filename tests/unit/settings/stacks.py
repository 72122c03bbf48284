"""Random stacks of layers with a naive oracle: what each layer says, and what a load must make of it.

Nothing here is made of the package's own code, so that a rule has to be wrong twice to go unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from hypothesis import strategies as st

Key = tuple[str, ...]
Table = dict[Key, Any]
Draw = Any

IDENTITY = ("database_url", "driver", "host", "port", "username", "password", "password_file", "database", "query")
FREE = ("query", "connect_args", "engine_options", "execution_options")
SOURCES = ("base", "overlay", "local", "secrets", "dotenv", "environment", "argument")
RANKS = {"base": 1, "overlay": 2, "local": 3, "secrets": 4, "dotenv": 4, "environment": 4, "argument": 5}
FILES = {"base": "myfy", "overlay": "config/development", "local": "config/local"}
NAMES = ("main", "read-replica", "dwh2", "a_b-c")

TEXT = st.text("aZ0 é漢🙂$\"'\\#:{}%@,=[]&*!|>~", max_size=6).map(
    lambda text: f"v{text}".rstrip()
)  # around text, variables lose it
_URLS = st.builds("postgresql+asyncpg://u{}@h{}/d".format, st.integers(0, 9), st.integers(0, 9))
_SECONDS = st.integers(1, 800).map(lambda eighths: eighths / 8)
_FREE_VALUES = st.one_of(TEXT, st.integers(-9, 99), st.booleans(), st.lists(TEXT, max_size=2))

VALUES: dict[Key, st.SearchStrategy[Any]] = {
    ("database_url",): _URLS,
    ("driver",): st.sampled_from(["postgresql", "postgresql+asyncpg"]),
    ("host",): st.sampled_from(["one", "two"]),
    ("port",): st.integers(1, 65535),
    ("username",): TEXT,
    ("password",): TEXT,
    ("password_file",): st.integers(0, 9).map("/run/secrets/p{}".format),
    ("database",): TEXT,
    ("query", "options"): TEXT,
    ("pool_size",): st.integers(1, 99),
    ("max_overflow",): st.integers(-1, 99),
    ("pool_timeout",): _SECONDS,
    ("pool_recycle",): st.integers(-1, 99),
    ("pool_reset_on_return",): st.sampled_from(["rollback", "commit", "none"]),
    ("echo",): st.booleans(),
    ("read_only",): st.booleans(),
    ("required",): st.booleans(),
    ("tls",): st.sampled_from(["disable", "prefer", "require"]),
    ("statement_timeout",): _SECONDS,
    ("application_name",): TEXT,
    ("isolation_level",): st.sampled_from(["AUTOCOMMIT", "READ COMMITTED"]),
    ("sqlite", "busy_timeout"): _SECONDS,
    ("sqlite", "journal_mode"): st.sampled_from(["wal", "delete"]),
    ("sqlite", "foreign_keys"): st.booleans(),
    ("migrations", "version_table"): TEXT,
    ("migrations", "enabled"): st.booleans(),
    ("connect_args", "k"): _FREE_VALUES,
    ("connect_args", "grüße"): _FREE_VALUES,
    ("connect_args", "server.name"): _FREE_VALUES,
    ("connect_args", "server_settings", "jit"): _FREE_VALUES,
    ("execution_options", "deep", "deeper", "k"): _FREE_VALUES,
    ("execution_options", "k"): _FREE_VALUES,
}
_ADDRESS = (("database_url",), ("driver",))


@dataclass
class Stack:
    """What every layer says.

    Attributes:
        names: profiles, parents before their heirs.
        parents: which profile extends which.
        abstract: templates.
        default: the default profile.
        said: by source and profile, what each says.
        roots: by source, the name that `default` is given there.
        flat: the source and key of what is said without the profile's name.
        seed: of the spelling.
    """

    names: list[str]
    parents: dict[str, str]
    abstract: set[str]
    default: str
    said: dict[tuple[str, str], Table]
    roots: dict[str, str]
    flat: set[tuple[str, str]]
    seed: int


@dataclass
class Leaf:
    """A value, and its origin."""

    value: Any
    source: str
    profile: str


def drop(state: dict[Key, Any], *prefixes: Key) -> dict[Key, Any]:
    return {key: leaf for key, leaf in state.items() if all(key[: len(prefix)] != prefix for prefix in prefixes)}


def fold(said: dict[tuple[str, str], Table], name: str, start: dict[Key, Leaf]) -> dict[Key, Leaf]:
    """The oracle: what the layers make of one profile, on top of its parent's values."""
    state = dict(start)
    for _, sources in groupby(SOURCES, key=RANKS.__getitem__):
        group = [(source, said[source, name]) for source in sources if (source, name) in said]
        for _, table in group:
            state = drop(state, *(key for key in table.get(("unset",), ())))
        if any(("database_url",) in table for _, table in group):
            state = drop(state, *((key,) for key in IDENTITY))
        for source, table in group:
            for key, value in table.items():
                other = {("password",): ("password_file",), ("password_file",): ("password",)}.get(key)
                if other is not None:
                    state = drop(state, other)
                if key not in (("unset",), ("extends",), ("abstract",)):
                    state[key] = Leaf(value, source, name)
    return state


def winners(stack: Stack) -> dict[str, dict[Key, Leaf]]:
    """The values in force, by profile."""
    known: dict[str, dict[Key, Leaf]] = {}
    for name in stack.names:
        known[name] = fold(stack.said, name, known.get(stack.parents.get(name, ""), {}))
    return known


@st.composite
def stacks(draw: Draw) -> Stack:
    """A stack that loads without a problem."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    parents = {name: draw(st.sampled_from(names[:at])) for at, name in enumerate(names) if at and draw(st.booleans())}
    abstract = {name for name in names[:-1] if draw(st.integers(0, 3)) == 0}
    concrete = [name for name in names if name not in abstract]
    stack = Stack(names, parents, abstract, concrete[0], {}, {}, set(), draw(st.integers(0, 2**20)))
    sources = [source for source in SOURCES if source == "base" or draw(st.booleans())]
    known: dict[str, dict[Key, Leaf]] = {}
    for name in names:
        below = known.get(parents.get(name, ""), {})
        for source in sources:
            if source == "base" or draw(st.booleans()):
                known[name] = fold(stack.said, name, below)
                stack.said[source, name] = _table(draw, stack, source, name, known[name])
        known[name] = fold(stack.said, name, below)
    _choose_default(draw, stack, sources, concrete)
    _choose_flat(draw, stack)
    return stack


def _table(draw: Draw, stack: Stack, source: str, name: str, below: dict[Key, Leaf]) -> Table:
    keys = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=6, unique=True))
    if ("password",) in keys:
        keys = [key for key in keys if key != ("password_file",)]
    table: Table = {key: draw(VALUES[key]) for key in keys}
    if source == "base":
        if name in stack.parents:
            table["extends",] = stack.parents[name]
        if name in stack.abstract:
            table["abstract",] = True
        elif not any(key in {**below, **table} for key in _ADDRESS):
            table["database_url",] = draw(_URLS)
    known = sorted({key[:length] for key in below for length in range(1, len(key) + 1)} - set(_ADDRESS))
    if known and RANKS[source] != 4 and draw(st.integers(0, 2)) == 0:
        first, *more = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
        apart = [key for key in more if key[: len(first)] != first and first[: len(key)] != key]
        table["unset",] = [first, *apart]
    return table


def _choose_default(draw: Draw, stack: Stack, sources: list[str], concrete: list[str]) -> None:
    if len(concrete) == 1 and draw(st.booleans()):
        return
    for source in sources:
        if source == "base" or draw(st.integers(0, 3)) == 0:
            stack.roots[source] = stack.default = draw(st.sampled_from(concrete))


def _choose_flat(draw: Draw, stack: Stack) -> None:
    for (source, name), table in stack.said.items():
        if name == stack.default and draw(st.booleans()):
            heads = sorted({key[0] for key in table} - {"extends", "abstract"})
            chosen = {(source, head) for head in heads if draw(st.booleans())}
            # One key stays below the name, which declares the profile.
            declares = source == "base" and len(chosen) == len({key[0] for key in table})
            stack.flat |= set(sorted(chosen)[1:]) if declares else chosen


def nested(table: dict[Key, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in table.items():
        inner = tree
        for part in key[:-1]:
            inner = inner.setdefault(part, {})
        inner[key[-1]] = value
    return tree


def dotted(key: Key) -> str:
    return ".".join(f'"{part}"' if "." in part else part for part in key)
