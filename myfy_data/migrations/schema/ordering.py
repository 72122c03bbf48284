"""The order of what stands on each other: by name, and each behind what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def ordered(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The names, each behind those that it needs, else by the alphabet; the same for the same names on every machine.

    Args:
        names: what is to be ordered.
        needs: for a name, those that must come before it; others than `names` do not count.
    """
    known = set(names)
    graph = {name: sorted(known & set(needs.get(name, ())) - {name}) for name in sorted(known)}
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError:
        return sorted(known)
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found += ready
        sorter.done(*ready)
    return found
