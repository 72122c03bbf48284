"""A layer: what one source says, with the way back to where it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from myfy_data.errors import Problem, ProblemKind
from myfy_data.layers.merge import MISSING, Tree, find, merge
from myfy_data.origins import KeyPath, Origin, format_key
from myfy_data.redaction import redact_text

__all__ = ["ARGUMENT_RANK", "DEPLOYMENT_RANK", "Findings", "Layer", "LayerStatus", "Tree"]

DEPLOYMENT_RANK = 1000
"""The one rank of secrets, `.env` and process environment: a URL among them keeps a mounted password (C3.5)."""
ARGUMENT_RANK = 1001

MOST_PROBLEMS = 100
"""More than this would bury the first one, and a near name for each would take minutes to find."""


@dataclass(slots=True, eq=False)
class Layer:
    """What one source says, in the one shape of every file (contract C2).

    Attributes:
        name: how messages call the source.
        rank: its place in precedence; a URL replaces the identity said by lower ranks.
        locate: finds the origin of a key as the source itself spells it; can be pickled.
        root: values of `default`, `environment` and `secrets_dir`.
        flat: keys that mean the default profile, until `adopt_flat` hands them over.
        profiles: each profile's table.
        flat_owner: the profile that `flat` was handed to.
        broken: whether the source could not be read, so that its content is unknown.
    """

    name: str
    rank: int
    locate: Callable[[KeyPath], Origin]
    root: Tree = field(default_factory=dict)
    flat: Tree = field(default_factory=dict)
    profiles: dict[str, Tree] = field(default_factory=dict)
    flat_owner: str | None = None
    broken: bool = False

    def adopt_flat(self, default: str) -> None:
        """Hand the flat keys to the default profile; copies, because files keep their own trees."""
        if self.flat:
            self.profiles[default] = merge(self.profiles.get(default, {}), self.flat, lambda path: None)
            self.flat_owner = default

    def origin(self, path: KeyPath) -> Origin:
        """Where this layer says the value at `path` of the merged tree."""
        if len(path) > 2 and path[:2] == ("profiles", self.flat_owner) and find(self.flat, path[2:]) is not MISSING:
            return self.locate(path[2:])
        return self.locate(path)


@dataclass(frozen=True, slots=True)
class LayerStatus:
    """Whether a layer took part: no layer is skipped in silence (contract C3.2).

    Attributes:
        name: the source.
        state: found, absent, or not read.
        reason: why it was not read; empty otherwise.
    """

    name: str
    state: Literal["found", "absent", "not read"]
    reason: str = ""


class Findings:
    """Collects the problems and the warnings of one load, so that all are told at once (contract C3.11)."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}  # as keys: two profiles may inherit one wrong line
        self._warnings: dict[Problem, None] = {}

    @property
    def problems(self) -> list[Problem]:
        """What stops the load, each once."""
        return list(self._problems)

    @property
    def warnings(self) -> list[Problem]:
        """What a person should look at, each once."""
        return list(self._warnings)

    @property
    def is_full(self) -> bool:
        """Whether further problems would be dropped, so that none need be worded."""
        return len(self._problems) >= MOST_PROBLEMS

    def problem(
        self,
        place: Origin | str,
        path: KeyPath,
        message: str,
        *,
        fix: str = "",
        facts: tuple[str, ...] = (),
        kind: ProblemKind = "config",
    ) -> None:
        """Note something that stops the load."""
        if not self.is_full:
            problem = Problem(str(place), format_key(path), message, facts, fix, kind)
            self._problems[_without_credentials(problem)] = None

    def warning(self, place: Origin | str, path: KeyPath, message: str, *, fix: str = "") -> None:
        """Note something that a person should look at, though the load goes on."""
        self._warnings[_without_credentials(Problem(str(place), format_key(path), message, (), fix))] = None

    def add(self, *problems: Problem) -> None:
        """Note problems that are worded already."""
        self._problems.update(dict.fromkeys(problems))


def _without_credentials(problem: Problem) -> Problem:
    """The problem without what a URL in the wrong slot, such as `default`, would tell."""
    if "@" not in f"{problem.key}{problem.message}{problem.fix}{problem.facts}":
        return problem
    facts = tuple(map(redact_text, problem.facts))
    key, message, fix = map(redact_text, (problem.key, problem.message, problem.fix))
    return replace(problem, key=key, message=message, facts=facts, fix=fix)
