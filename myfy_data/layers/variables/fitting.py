"""Fitting variable names to declared profiles and known keys (contract C3.6).

One set of rules serves the process environment, `.env` and the files of a secrets directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from myfy_data.errors import ProblemKind
from myfy_data.layers.key_spec import (
    ALIASES,
    AS_NEAR,
    PREFIX,
    STEERING_ALIASES,
    KeySpec,
    fold_name,
    is_profile_name,
    variable_for,
)
from myfy_data.origins import KeyPath
from myfy_data.suggestions import listed, nearest

CONTROL = frozenset({"environment", "config"})
"""Names that steer the load itself and are no settings."""

_SERVICE_LINK = re.compile(
    r"(.+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)", re.IGNORECASE
)
_URL_SUFFIX = "_database_url"


def is_ours(name: str) -> bool:
    """Whether a variable is ours to judge; every other name is foreign."""
    return name[: len(PREFIX)].upper() == PREFIX


def is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set this variable for a Service that happens to be called `myfy-data`."""
    rest = name[len(PREFIX) :]
    if "__" in rest or not ("PORT" in rest.upper() or "HOST" in rest.upper()):
        return False  # two underscores are ours alone: a Service's name has no two dashes in a row
    if _SERVICE_LINK.fullmatch(rest):
        return True
    return rest.upper().endswith("PORT") and value.startswith(("tcp://", "udp://", "sctp://"))


@dataclass(eq=False)
class Misfit(Exception):
    """A variable's name that fits nothing; without a `fix` it can only be unset."""

    message: str
    fix: str = ""
    kind: ProblemKind = "config"


class Fitter:
    """Finds the key path that a variable's name means.

    Args:
        vocabulary: the known keys.
        declared: profile names that files and arguments declare.
        complete: whether these are all; False when a file could not be read, and then any name may be right.
    """

    def __init__(self, key_spec: KeySpec, declared: Iterable[str], *, complete: bool = True) -> None:
        self._key_spec = key_spec
        self._complete = complete
        self._names = list(declared)

    @cached_property
    def _declared(self) -> dict[str, str]:
        return {fold_name(name): name for name in self._names}

    def admit_new_profiles(self, names: Iterable[str], fallback: str) -> None:
        """Let variables that bring a DATABASE_URL create their profile, if no declared name is near.

        Args:
            names: all variables of the load.
            fallback: the profile that exists when nothing declares any.
        """
        created = []
        for name in names:
            segments = name[len(PREFIX) :].lower().split("__")
            if len(segments) == 3 and segments[0] == "profiles" and segments[2] == "database_url":
                token = segments[1]
                if token not in self._declared and not nearest(token, self._declared) and is_profile_name(token):
                    created.append(token)
        self._names += created or ([] if self._names else [fallback])
        self.__dict__.pop("_declared", None)

    def fit(self, name: str) -> KeyPath:
        """The key path that `name` means; flat keys come without a profile.

        Raises:
            Misfit: it means none.
        """
        words = name[len(PREFIX) :].lower().split("__")
        if words[0] == "profiles" and len(words) > 1:
            words[1] = fold_name(words[1])  # a secret file may spell the name with its dashes
        segments = tuple(words)
        if "" in segments:
            raise Misfit("has an empty part between its underscores", self._without_empty(segments))
        if segments[0] == "profiles":
            return self._fit_profile(segments[1:])
        if len(segments) == 1:
            return self._fit_flat(segments[0])
        if self._key_spec.root_kind(segments) is not None:
            return segments
        return self._known_key(segments) or self._refuse(segments)

    def _without_empty(self, segments: tuple[str, ...]) -> str:
        repaired = PREFIX + "__".join(part for part in segments if part).upper()
        return f"rename it to {repaired}" if any(segments) else ""

    def _fit_flat(self, key: str) -> KeyPath:
        if key in self._key_spec.root or key in self._key_spec.profile:
            return (key,)
        if key.endswith(_URL_SUFFIX) and (name := self._declared.get(key.removesuffix(_URL_SUFFIX))):
            return ("profiles", name, "database_url")
        return self._refuse((key,))

    def _fit_profile(self, segments: tuple[str, ...]) -> KeyPath:
        if len(segments) < 2:
            name = segments[0] if segments else next(iter(self._declared), "main")
            example = variable_for(("profiles", name, "pool_size"))
            raise Misfit("does not say which setting of which profile", f"rename it to {example} or the like")
        name = self._declared.get(segments[0], "")
        if not name and self._complete:
            raise self._unknown_profile(segments)
        name = name or segments[0]
        key = self._known_key(segments[1:])
        if key is None:
            near = self._near_key(segments[1:])
            raise Misfit(
                f"profile {name!r} has no setting {'__'.join(segments[1:])!r}{_others(segments[-1])}",
                f"rename it to {variable_for(('profiles', name, *near))}" if near else "",
            )
        return ("profiles", name, *key)

    def _known_key(self, segments: tuple[str, ...]) -> KeyPath | None:
        return segments if self._key_spec.kind(segments) is not None else None

    def _near_key(self, segments: tuple[str, ...]) -> KeyPath | None:
        tables: Mapping[str, Mapping[str, object]] = self._key_spec.tables
        known: dict[str, KeyPath] = {key: (key,) for key in self._key_spec.profile}
        known |= {f"{table}__{key}": (table, key) for table, keys in tables.items() for key in keys}
        text = "__".join(segments)
        near = ALIASES.get(text) or nearest(text, known)
        return known[near] if near else None

    def _unknown_profile(self, segments: tuple[str, ...]) -> Misfit:
        near = nearest(segments[0], self._declared)
        if near is None and not is_profile_name(segments[0]):
            return Misfit(f"no profile can be called {segments[0]!r}", "", "unknown_profile")
        message = f"profile {segments[0]!r} is not declared; declared: {listed(self._declared.values())}"
        if near:
            path = ("profiles", self._declared[near], *segments[1:])
            message = f"{message}. Did you mean {self._declared[near]!r}?"
            return Misfit(message, f"rename it to {variable_for(path)}", "unknown_profile")
        url = variable_for(("profiles", segments[0], "database_url"))
        return Misfit(message, f"set {url} as well, which creates the profile", "unknown_profile")

    def _refuse(self, segments: tuple[str, ...]) -> KeyPath:
        near = self._nearest_variable("__".join(segments))
        raise Misfit(f"no setting has this name{_others(segments[-1])}", f"rename it to {near}" if near else "")

    def _nearest_variable(self, name: str) -> str | None:
        flat = {key: PREFIX + key.upper() for key in (*self._key_spec.root, *self._key_spec.profile, *CONTROL)}
        known_as = {**ALIASES, **STEERING_ALIASES}
        if name in flat or name in known_as:
            return flat[known_as.get(name, name)]
        if name.endswith(_URL_SUFFIX) and is_profile_name(name.removesuffix(_URL_SUFFIX)):
            return self._variable_for_url_of(name.removesuffix(_URL_SUFFIX))
        if found := self._single_underscored(name):
            return found
        tables: Mapping[str, Mapping[str, object]] = {**self._key_spec.tables, **self._key_spec.root_tables}
        known = {f"{table}__{key}": variable_for((table, key)) for table, keys in tables.items() for key in keys}
        known |= flat
        near = nearest(name, known)
        return known[near] if near else None

    def _variable_for_url_of(self, token: str) -> str:
        """The short form is for declared profiles; only the long one can declare."""
        near = nearest(token, self._declared)
        return f"{PREFIX}{near}{_URL_SUFFIX}".upper() if near else variable_for(("profiles", token, "database_url"))

    def _single_underscored(self, name: str) -> str | None:
        """`profiles_analytics__pool_size` and the like: the right words with too few underscores."""
        squeezed = name.replace("__", "_").removeprefix("profiles_")
        for token, profile in self._declared.items():
            if squeezed.startswith(f"{token}_"):
                key = nearest(squeezed.removeprefix(f"{token}_"), self._key_spec.profile)
                if key:
                    return variable_for(("profiles", profile, key))
        return None


def _others(key: str) -> str:
    """What else a name may mean, behind a message."""
    return f"; {AS_NEAR[key]}" if key in AS_NEAR else ""
