"""The run that made a test database: leftovers of a killed run are told from those of others (contract C13.3)."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

_MARK = "myfy-data test database"


def mark(kind: str) -> str:
    """What a database of ours says of itself: what it is, and whose."""
    return json.dumps({"what": _MARK, "kind": kind, "host": socket.gethostname(), **_process(os.getpid())})


def _process(number: int) -> dict[str, object]:
    return {"process": number, "started": _started(number)}


def _started(number: int) -> str | None:
    """When a process started, as the system counts; its number may be another one's by now."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    return None


def is_ours(comment: str | None, kind: str) -> bool:
    """Whether a database says that it is one of ours, of this kind."""
    said = _read(comment)
    return said.get("what") == _MARK and said.get("kind") == kind


def is_leftover(comment: str | None) -> bool:
    """Whether a database was made for one run of tests on this machine, and that run has ended."""
    said = _read(comment)
    if not is_ours(comment, "run") or said.get("host") != socket.gethostname():
        return False
    number = said.get("process")
    if not isinstance(number, int):
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return said.get("started") != _started(number)


def _read(comment: str | None) -> dict[str, object]:
    with suppress(ValueError, TypeError):
        said = json.loads(comment or "")
        if isinstance(said, dict):
            return said
    return {}
