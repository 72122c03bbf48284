"""What Kubernetes is told to ask, in the manifests of the project: whether each probe asks what it is for (C12.1)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from myfy_data.cli.doctor.finding import Finding

MOST = 500
"""Manifests that are read."""

_DEEPEST = 4
_LARGEST = 2**18
_OF_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})

_SLOWEST = 2
"""Whole seconds that an answer to readiness may take: one of ours, and the way."""


def probe_findings(root: Path | None) -> Iterator[Finding]:
    """One for each container that has probes; nothing where no manifest is found."""
    for path in _manifests(root) if root is not None else ():
        for container in _containers(path):
            yield _judged(f"{container.get('name', 'a container')} in {os.path.relpath(path, root)}", container)


def _judged(whose: str, container: dict[str, Any]) -> Finding:
    live, ready = _path(container, "livenessProbe"), _path(container, "readinessProbe")
    wrong = _wrong_question(whose, live, ready)
    if wrong is not None:
        message, probe, path = wrong
        return Finding("probes", None, "warn", message, f"write path: {path} for the {probe}")
    seconds = container["readinessProbe"].get("timeoutSeconds", 1) if _is_ours(live, ready) else _SLOWEST
    if isinstance(seconds, int) and seconds < _SLOWEST:
        message = f"readiness of {whose} is given up after {seconds} s, and an answer may take that long"
        return Finding("probes", None, "warn", message, "write timeoutSeconds: 3 for the readinessProbe")
    return Finding("probes", None, "ok", f"liveness and readiness of {whose} ask two questions")


def _wrong_question(whose: str, live: str, ready: str) -> tuple[str, str, str] | None:
    """What is wrong with what probes ask, with the probe and the path that it should ask; None where nothing is."""
    if ready.endswith("/live"):
        message = f"readiness of {whose} asks {ready}, which asks no database: it gets requests that it cannot answer"
        return message, "readinessProbe", _beside(ready, "ready")
    if live.endswith("/ready") or ready == f"{live}/ready":
        message = f"liveness of {whose} asks {live}, which asks databases: one that is down restarts every pod"
        return message, "livenessProbe", _beside(live, "live")
    if live and live == ready:
        message = f"liveness of {whose} asks {live}, as readiness does: what is to wait for traffic is restarted"
        return message, "livenessProbe", "/health/live"
    return None


def _is_ours(live: str, ready: str) -> bool:
    """Whether both are what `health=` answers, below whatever path."""
    return ready.endswith("/ready") and live == _beside(ready, "live")


def _path(container: dict[str, Any], probe: str) -> str:
    """What a probe asks; empty where there is none, and where it asks in another way."""
    asked = container.get(probe)
    request = asked.get("httpGet") if isinstance(asked, dict) else None
    path = request.get("path") if isinstance(request, dict) else None
    return path.rstrip("/") if isinstance(path, str) else ""


def _beside(path: str, name: str) -> str:
    """The path of another question, beside this one or below what asks all of them."""
    base, _, last = path.rpartition("/")
    return f"{base if last in ('live', 'ready') else path}/{name}"


def _manifests(root: Path) -> Iterator[Path]:
    """The files below a folder that may be manifests, a few levels deep; none of other packages."""
    left = MOST
    for folder, folders, names in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if depth < _DEEPEST and name[:1] != "." and name not in _OF_OTHERS)
        for name in sorted(names):
            if left > 0 and name.endswith((".yaml", ".yml")):
                left -= 1
                yield Path(folder, name)


def _containers(path: Path) -> Iterator[dict[str, Any]]:
    """The containers of a manifest that have probes; none in what is no manifest, such as a template."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= _LARGEST else ""
        documents = list(yaml.safe_load_all(text)) if "nessProbe" in text else []
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return
    waiting, seen = documents, set[int]()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, dict | list) or id(one) in seen:  # an alias is the same object again
            continue
        seen.add(id(one))
        if isinstance(one, dict) and any(isinstance(one.get(key), dict) for key in ("livenessProbe", "readinessProbe")):
            yield one
        waiting += one.values() if isinstance(one, dict) else one
