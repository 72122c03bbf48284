"""Which environment this is, its origin, and whether it has the overlay that it should have (contract C3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from myfy_data.layers.files.discovery import LOCAL
from myfy_data.layers.fixes import assignment
from myfy_data.layers.key_spec import PREFIX
from myfy_data.layers.layer import Findings
from myfy_data.layers.variables.reader import Variable
from myfy_data.origins import DEFAULT, Origin
from myfy_data.redaction import redact_text
from myfy_data.suggestions import listed, nearest

TEST = "test"
FALLBACK = "development"
KEY = ("environment",)
_PRODUCTION = frozenset({"production", "prod", "live"})  # in any case of letters, as the floors above compare
_NEEDS_NO_OVERLAY = frozenset({FALLBACK, TEST})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

_TREATED = (*sorted(_PRODUCTION), FALLBACK, TEST)
"""Names by which something is refused or left unread: a slip in one of them loses that."""

_LONGER = 2
"""`preprod` and `testing` are no slips of `prod` and `test`: more letters than this are meant."""


@dataclass(frozen=True, slots=True)
class EnvironmentName:
    """The environment's name and its origin."""

    name: str
    origin: Origin

    @property
    def is_test(self) -> bool:
        """Whether local files are left unread, so that a test never meets a developer's own database."""
        return self.name == TEST


UNSAID = EnvironmentName(FALLBACK, DEFAULT)


def said_by(variables: Iterable[Variable]) -> EnvironmentName | None:
    """The name that `MYFY_DATA_ENVIRONMENT` gives among these variables."""
    for variable in variables:
        if variable.name.upper() == PREFIX + "ENVIRONMENT" and variable.value.strip():
            return EnvironmentName(variable.value.strip(), variable.origin)
    return None


def usable(chosen: EnvironmentName, findings: Findings) -> EnvironmentName:
    """The name, unless no file of `config/` could bear it."""
    if chosen.name == LOCAL:
        message = "'local' is taken: config/local.* is read in every environment"
        findings.problem(chosen.origin, KEY, message, fix=_say(chosen.origin, FALLBACK))
    elif not _NAME.fullmatch(chosen.name):
        message = f"an environment's name has letters, digits, '-' and '_' only, got {chosen.name[:60]!r}"
        repaired = "-".join(re.findall(r"[A-Za-z0-9_]+", redact_text(chosen.name))) or FALLBACK
        findings.problem(chosen.origin, KEY, message, fix=_say(chosen.origin, repaired))
    else:
        return chosen
    return UNSAID


def _say(origin: Origin, name: str) -> str:
    """The fix; as an argument the name is one of its own, not a key among others."""
    by_argument = f'environment="{name}", or --environment {name}'
    return by_argument if origin.source == "argument" else assignment(origin, KEY, name)


def require_overlay(environment: EnvironmentName, overlays: Iterable[str], findings: Findings) -> None:
    """Refuse a name that has no overlay while others have: `prodution` must not start on base settings."""
    others = sorted(name for name in overlays if name != LOCAL)
    if environment is UNSAID or environment.name in _NEEDS_NO_OVERLAY or environment.name in others:
        return
    if not others:
        _doubt_slip(environment, findings)
        return
    name, own = environment.name, f"config/{environment.name}.toml"
    near = nearest(name, [*others, *_NEEDS_NO_OVERLAY])
    message = f"environment {name!r} has no file in config/; there are: {listed(others)}"
    if near:
        fix, facts = _say(environment.origin, near), (f"if {name!r} is new, an empty {own} will do",)
        findings.problem(environment.origin, KEY, f"{message}. Did you mean {near!r}?", fix=fix, facts=facts)
    else:
        fact = f"an empty {own} will do"
        findings.problem(environment.origin, KEY, message, fix=f"touch {own}", facts=(fact,))


def _doubt_slip(environment: EnvironmentName, findings: Findings) -> None:
    """Tell of a name that is nearly one of those that matter; without overlays any name is taken (contract C3.3)."""
    name = environment.name
    near = meant_by(name)
    if near is None:
        return
    message = f"{name!r} is treated as neither production nor test. Did you mean {near!r}? If it is meant, an empty"
    findings.warning(
        environment.origin, KEY, f"{message} config/{name}.toml says so", fix=_say(environment.origin, near)
    )


def meant_by(name: str) -> str | None:
    """The name that matters, of which this one is a slip; None for one that is meant as it is."""
    near = nearest(name, _TREATED)
    is_slip = near is not None and name.lower() not in _PRODUCTION and abs(len(name) - len(near)) <= _LONGER
    return near if is_slip and near != name else None
