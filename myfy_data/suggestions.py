"""Did you mean: the one place that guesses what a misspelt name stood for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_NEAR = 0.72  # `main` and `mian` are near, `main` and `analytics` are not
_MOST = 500  # comparing with more names than this, for each of many slips, takes minutes


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most probably stands for, or None when none is near."""
    import difflib  # noqa: PLC0415 - only ever needed while a message is being written

    wanted = name.lower()
    candidates = {candidate.lower(): candidate for candidate in known}
    if len(candidates) > _MOST:
        alike = (candidate for candidate in candidates if candidate[:1] == wanted[:1])
        candidates = {candidate: candidates[candidate] for candidate in islice(alike, _MOST)}
    found = difflib.get_close_matches(wanted, candidates, n=1, cutoff=_NEAR)
    return candidates[found[0]] if found else None


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """Names as a readable list, cut where it would no longer be read."""
    every = list(names)
    text = ", ".join(every[:most])
    return f"{text} and {len(every) - most} more" if len(every) > most else text or "none"
