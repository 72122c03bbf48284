"""Turning pydantic's findings into ours: place, key, what is wrong, the fix; never pydantic's own text (C3.11)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from myfy_data.errors import ConfigError, InvalidDatabaseURLError, Problem
from myfy_data.layers.fixes import SECRET_FILE, assignment, described, removal
from myfy_data.layers.interpolation import has_references, mentioned
from myfy_data.layers.key_spec import ALIASES, Kind
from myfy_data.layers.layer import Findings, Tree
from myfy_data.layers.merge import MISSING, find
from myfy_data.layers.variables.coercion import Verbatim
from myfy_data.origins import DEFAULT, KeyPath, Origin, format_key
from myfy_data.redaction import MASK, looks_secret, redact_value
from myfy_data.settings.key_spec import KEY_SPEC
from myfy_data.settings.models import TABLE_MODELS, ProfileSettings
from myfy_data.settings.origin_lookup import OriginLookup
from myfy_data.settings.root_tables import ROOT_TABLE_MODELS
from myfy_data.settings.validation.foreign_tls import tls_mode_of
from myfy_data.settings.validation.profile import SAMPLE_URL
from myfy_data.suggestions import nearest

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "dict": "a table",
    "model": "a table",
    "finite": "a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "{} or more"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "{} or less"),
    "string_too_short": ("min_length", "at least {} character"),
}
_TEXT_SAMPLES = {"database_url": SAMPLE_URL, "driver": "sqlite"}
_SAMPLES: Mapping[Kind, object] = {Kind.INTEGER: 5, Kind.NUMBER: 30.0, Kind.BOOLEAN: True, Kind.TEXT: "text"}


def translate(error: ValidationError, tree: Tree, origins: OriginLookup, findings: Findings) -> None:
    """Note every finding of `error` as a problem.

    Args:
        error: what pydantic found; its own text and input never leave this function.
        tree: the values that were validated.
        origins: finds the place of each.
        findings: where the problems go.
    """
    for details in error.errors(include_input=False, include_url=False):
        if findings.is_full:
            return
        path = _known_path(tuple(str(part) for part in details["loc"]))
        origin, said = origins.blame(path)
        if details["type"] == "extra_forbidden":
            findings.problem(origin, said, "no such setting", fix=removal(origin))
            continue
        if details["type"] == "refused":
            told = details.get("ctx", {})
            findings.problem(origin, said, told["message"], fix=told["fix"])
            continue
        value = find(tree, path)
        expected = _expected(details["type"], details.get("ctx", {}))
        findings.problem(
            origin,
            said,
            f"expected {expected}, got {_shown(path, value, origin, origins)}",
            fix=_fix(said, value, details, origin),
            facts=tuple(f"also set at {place} (not used)" for place in _covered(origins, path, origin)),
        )


def as_fixed(error: ValidationError, tree: Tree) -> Tree:
    """The values as the fixes of `translate` would have them; a profile whose address is wrong is left out."""
    fixed = tree
    for details in error.errors(include_input=False, include_url=False):
        path = _known_path(tuple(str(part) for part in details["loc"]))
        if len(path) < 3 or path[2] in _TEXT_SAMPLES or find(fixed, path) is MISSING:
            path, value = path[:2], MISSING
        elif details["type"] in ("extra_forbidden", "refused"):
            value = MISSING
        else:
            value = _better(path, find(tree, path), details)
        fixed = _replaced(fixed, path, value)
    return fixed


def _replaced(tree: Tree, path: KeyPath, value: object) -> Tree:
    """A tree with another value at `path`, or with none; the given one stays as it is."""
    key, *below = path
    if below and isinstance(inner := tree.get(key), Mapping):
        return {**tree, key: _replaced(dict(inner), tuple(below), value)}
    rest = {name: said for name, said in tree.items() if name != key}
    return rest if value is MISSING or below else {**rest, key: value}


def explain_arguments(error: ValidationError, values: Mapping[str, object]) -> ConfigError:
    """The exception for settings that were made in code, in the words that a file gets.

    Args:
        error: what pydantic found.
        values: what was given; never repeated where it may be secret.
    """
    problems = []
    for details in error.errors(include_input=False, include_url=False):
        path: KeyPath = ("profiles", "", *(str(part) for part in details["loc"]))
        said = path[2:4] if KEY_SPEC.kind(path[2:4]) is not None else path[2:3]
        message, fix = _argument_fault(said, find(values, said), details)
        problems.append(Problem("argument", format_key(said), message, fix=fix))
    return ConfigError(problems)


def _argument_fault(path: KeyPath, value: object, details: ErrorDetails) -> tuple[str, str]:
    key = path[-1]
    context = details.get("ctx", {})
    if details["type"] == "refused":
        return context["message"], context["fix"]
    if details["type"] == "extra_forbidden":
        near = ALIASES.get(key) or nearest(key, KEY_SPEC.tables.get(path[0], KEY_SPEC.profile))
        return (
            f"no such setting{f'. Did you mean {near!r}?' if near else ''}",
            f"write {near}" if near else f"delete {key}",
        )
    shown = MASK if looks_secret(key) else described(redact_value(key, value) if isinstance(value, str) else value)
    better = _better(("profiles", "", *path), value, details)
    fix = "put the value in quotes" if looks_secret(key) else f"{key}={better!r}"
    return f"expected {_expected(details['type'], context)}, got {shown}", fix


def _known_path(loc: KeyPath) -> KeyPath:
    """The key path in a location: unions add tags of pydantic's own behind it."""
    if loc[0] != "profiles" or len(loc) < 3:
        return loc
    length = 4 if len(loc) > 3 and KEY_SPEC.kind(loc[2:4]) is not None else 3
    return loc[:length]


def _covered(origins: OriginLookup, path: KeyPath, used: Origin) -> list[Origin]:
    return [said.origin for said in origins.all_said(path) if said.origin not in (used, DEFAULT)]


def _expected(kind: str, context: Mapping[str, object]) -> str:
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return words.format(context[name])
    if kind == "literal_error":
        return f"one of {context['expected']}"
    return _EXPECTED.get(kind.partition("_")[0], "another value")


def _shown(path: KeyPath, value: object, origin: Origin, origins: OriginLookup) -> str:
    """The value in a message; what comes from a secret file, or by a reference from a variable, is not repeated."""
    winner = origins.winner(path)
    raw = winner.value if winner is not None else None
    if isinstance(raw, str) and type(raw) is not Verbatim and has_references(raw):
        return f"what {mentioned(raw)} stands for"
    if any(looks_secret(key) for key in path[2:]) or origin.source.startswith(SECRET_FILE):
        return MASK
    if value is MISSING:
        return "nothing"
    return described(redact_value(path[-1], value) if isinstance(value, str) else value)


def _fix(path: KeyPath, value: object, details: ErrorDetails, origin: Origin) -> str:
    if looks_secret(path[-1]):
        return "put the value in quotes"
    return assignment(origin, path, _better(path, value, details))


def _better(path: KeyPath, value: object, details: ErrorDetails) -> object:
    """A value that would do: the one that was meant where it can be told, else the default or a sample."""
    if path[-1] == "tls":  # not by spelling: a near word may promise less than the one that was meant
        return tls_mode_of(value)
    context = details.get("ctx", {})
    if details["type"] == "literal_error":
        choices = [choice.strip("' ") for choice in context["expected"].replace(" or ", ",").split(",")]
        near = nearest(str(value), choices)
        return near or (_default(path) if _default(path) in choices else choices[-1])
    bound = context.get(_BOUNDS.get(details["type"], ("",))[0])
    kind = KEY_SPEC.kind_at(path)
    if kind in (Kind.TABLE, Kind.JSON):
        return {}
    if path[-1] in _TEXT_SAMPLES:
        return _TEXT_SAMPLES[path[-1]]
    for candidate in (bound, _meant(kind, value), _default(path)):
        if candidate is not None and _would_do(path, candidate):
            return candidate
    return _SAMPLES.get(kind or Kind.TEXT, "text")


def _meant(kind: Kind | None, value: object) -> object:
    if kind is Kind.BOOLEAN:
        return str(value).strip().lower() in ("true", "yes", "on", "1", "1.0", "y")
    if kind in (Kind.INTEGER, Kind.NUMBER):
        return _number(str(value))
    # A number or a date where text belongs only lacks its quotes; anything else is not repeated.
    return str(value) if kind is Kind.TEXT and not isinstance(value, bool | dict | list | str) else None


def _number(text: str) -> float | None:
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return None
    if not math.isfinite(number) or abs(number) >= 1e9:
        return None
    return int(number) if number.is_integer() else number


def _model(path: KeyPath) -> type[BaseModel]:
    if path[0] != "profiles":
        return ROOT_TABLE_MODELS[path[0]]
    return TABLE_MODELS[path[2]] if len(path) > 3 else ProfileSettings


def _default(path: KeyPath) -> object:
    return _model(path).model_fields[path[-1]].get_default(call_default_factory=True)


def _would_do(path: KeyPath, candidate: object) -> bool:
    try:
        _model(path).model_validate({path[-1]: candidate}, strict=True)
    except (ValidationError, InvalidDatabaseURLError):
        return False
    return True
