"""Pairs of packages that are known not to work together."""

from __future__ import annotations

from collections.abc import Iterator

from myfy_data.cli.doctor.finding import Finding
from myfy_data.package_contract import installed_version

_INSTRUMENTATION = "opentelemetry-instrumentation-sqlalchemy"


def package_findings() -> Iterator[Finding]:
    """What is installed and does nothing, without a word."""
    ours, theirs = installed_version("sqlalchemy"), installed_version(_INSTRUMENTATION)
    if theirs and _pair(ours) >= (2, 1):
        message = (
            f"{_INSTRUMENTATION} {theirs} instruments nothing on SQLAlchemy {ours}: no span and no metric comes of it"
        )
        yield Finding("packages", None, "warn", message, f"pip uninstall {_INSTRUMENTATION}")
    else:
        yield Finding("packages", None, "ok", "no packages that are known not to work together")


def _pair(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
