"""Loading as tests ask for it: what was told, in the words that a user reads."""

from __future__ import annotations

from typing import Any

from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.loader import LoadReport, inspect_settings


def report(**request: Any) -> LoadReport:
    """Load where the test stands, without raising."""
    return inspect_settings(LoadRequest(**request))


def problems(**request: Any) -> list[str]:
    """Every problem of a load, as text."""
    return [str(problem) for problem in report(**request).problems]


def only_refusal(**request: Any) -> str:
    """The one problem that `config check` tells of what an engine would refuse, as text."""
    [told] = inspect_settings(LoadRequest(**request), files=True).problems
    return str(told)


def only_problem(**request: Any) -> str:
    """The one problem of a load, as text."""
    told = problems(**request)
    assert len(told) == 1, told
    return told[0]


def warnings(**request: Any) -> list[str]:
    """Every warning of a load that has no problem, as text; but for that nothing was configured."""
    found = report(**request)
    assert found.problems == ()
    return [str(warning) for warning in found.warnings if not warning.message.startswith(UNCONFIGURED)]


UNCONFIGURED = "no configuration was found"
"""How the warning begins that nothing at all was found; most tests write down only what they are about."""

MAIN = '[data.profiles.main]\ndatabase_url = "postgresql+asyncpg://app@db.internal/main"\n'
"""One profile on a server."""

TWO = '[data.profiles.a]\ndatabase_url = "sqlite:///a.db"\n[data.profiles.b]\ndatabase_url = "sqlite:///b.db"\n'
"""Two profiles, of which none is the default."""
