"""Results on disk: clusters are run one at a time, and the page tells of all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.failover.campaign import Result

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "failover"


def keep(cluster: str, results: Sequence[Result], folder: Path = CACHE) -> None:
    """Put the results of one cluster in the place of earlier ones of the same event and client."""
    known = {(one.event, one.client): one for one in (*kept([cluster], folder), *results)}
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([{**vars(one), "errors": dict(one.errors)} for one in known.values()], indent=1)
    (folder / f"{cluster}.json").write_text(text, encoding="utf-8")


def kept(clusters: Iterable[str], folder: Path = CACHE) -> list[Result]:
    """The latest results of each run."""
    files = [folder / f"{cluster}.json" for cluster in clusters]
    read = (json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists())
    return [_result(one) for several in read for one in several]


def _result(values: dict[str, Any]) -> Result:
    return Result(**{**values, "errors": Counter(values["errors"])})
