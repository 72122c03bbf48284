"""What Kubernetes is told to ask, in the manifests of the project: whether each probe asks what it is for (C12.1)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from myfy_data.cli.doctor.finding import Finding
from myfy_data.nested_tables import nested_tables

EVERYTHING, LIVE, READY = "/health", "/health/live", "/health/ready"
"""What we answer (C12.1), at the path of the pages. What stands at another path may be another's: Grafana's, say."""

_MOST = 500
"""Manifests that are read."""

_DEEPEST = 4
_LARGEST = 2**18
_OF_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})

_UNMADE = (ValueError, LookupError, AttributeError, TypeError)
"""What PyYAML raises for a tag that does not fit its value, such as `!!bool foo`."""

_SLOWEST = 2
"""Whole seconds that an answer to readiness may take: one of ours, and the way."""


def probe_findings(root: Path | None) -> Iterator[Finding]:
    """One for each container whose probes ask what we answer; nothing for those of others."""
    for path in islice(_manifests(root), _MOST) if root is not None else ():
        for container in _containers(path):
            finding = _judged(f"{container['name']} in {os.path.relpath(path, root)}", container)
            if finding is not None:
                yield finding


def _judged(whose: str, container: dict[str, Any]) -> Finding | None:
    """What is to be told of a container; None where it asks another application, or in another way."""
    live, ready = _path(container, "livenessProbe"), _path(container, "readinessProbe")
    wrong = _wrong_question(whose, live, ready)
    if wrong is not None:
        message, probe, path = wrong
        return Finding("probes", None, "warn", message, f"write path: {path} for the {probe}")
    if (live, ready) != (LIVE, READY):
        return None
    seconds = container["readinessProbe"].get("timeoutSeconds", 1)
    if isinstance(seconds, int) and seconds < _SLOWEST:
        message = f"readiness of {whose} is given up after {seconds} s, and an answer may take that long"
        return Finding("probes", None, "warn", message, "write timeoutSeconds: 3 for the readinessProbe")
    return Finding("probes", None, "ok", f"liveness and readiness of {whose} ask two questions")


def _wrong_question(whose: str, live: str, ready: str) -> tuple[str, str, str] | None:
    """What is wrong with what probes ask, with the probe and the path that it should ask; None where nothing is."""
    if ready == LIVE:
        message = f"readiness of {whose} asks {ready}, which asks no database: it gets requests that it cannot answer"
        return message, "readinessProbe", READY
    if live in (EVERYTHING, READY):
        message = f"liveness of {whose} asks {live}, which asks databases: one that is down restarts every pod"
        return message, "livenessProbe", LIVE
    return None


def _path(container: dict[str, Any], probe: str) -> str:
    """What a probe asks; empty where there is none, and where it asks in another way."""
    asked = container.get(probe)
    request = asked.get("httpGet") if isinstance(asked, dict) else None
    path = request.get("path") if isinstance(request, dict) else None
    return path.rstrip("/") if isinstance(path, str) else ""


def _manifests(root: Path) -> Iterator[Path]:
    """The files below a folder that may be manifests, a few levels deep; none of other packages."""
    for folder, folders, names in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if depth < _DEEPEST and name[:1] != "." and name not in _OF_OTHERS)
        for name in sorted(names):
            if name.endswith((".yaml", ".yml")):
                yield Path(folder, name)


def _containers(path: Path) -> Iterator[dict[str, Any]]:
    """The containers of a manifest that have probes; none in what is no manifest, such as a template."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= _LARGEST else ""
        documents = list(yaml.safe_load_all(text)) if "nessProbe" in text else []
    except (OSError, RecursionError, yaml.YAMLError, *_UNMADE):
        return
    yield from filter(_has_probes, nested_tables(documents))


def _has_probes(one: dict[Any, Any]) -> bool:
    """Whether it is a container with probes, and not the schema of one, whose name is a schema, too."""
    probes = (one.get("livenessProbe"), one.get("readinessProbe"))
    return isinstance(one.get("name"), str) and any(isinstance(probe, dict) for probe in probes)
