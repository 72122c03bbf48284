"""`${NAME}` in string values of files (contract C3.7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_TOKEN = re.compile(r"\$\$\{|\$\{")
# A default is plain text: it ends at the first '}', and a '${' in it would never be resolved.
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:-|:\?)((?:(?!\$\{)[^}])*))?\}")
_UNSAFE_IN_USERINFO = frozenset("@:/?#[]%")

Lookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Reference:
    """One `${...}`: the variable's name, `:-`, `:?` or nothing, and what follows that."""

    name: str
    form: str = ""
    argument: str = ""


@dataclass(eq=False)
class InterpolationError(Exception):
    """A reference that cannot be resolved; no value is in the message.

    Attributes:
        message: what is wrong.
        fix: what to do.
        beside: a key to write beside the URL, and its text, where that is the fix.
    """

    message: str
    fix: str
    beside: tuple[str, str] | None = None


def has_references(text: str) -> bool:
    """Whether `text` has to go through `interpolate`; a lone `$` is just text."""
    return "${" in text


def references(text: str) -> list[str]:
    """The names of the variables that `text` mentions; it has been interpolated without an error."""
    return list(dict.fromkeys(part.name for part in _parts(text) if isinstance(part, Reference)))


def unresolved(text: str, lookup: Lookup) -> list[str]:
    """The names of the variables without which `text` cannot be resolved; none where a reference is malformed."""
    try:
        parts = list(_parts(text)) if has_references(text) else []
    except InterpolationError:
        return []
    return [part.name for part in parts if isinstance(part, Reference) and part.form != ":-" and not lookup(part.name)]


def as_written(text: str) -> str:
    """The text with its references, less their defaults and messages, which may be secret."""
    return _REFERENCE.sub(lambda found: f"${{{found[1]}}}", text)


def is_only_references(text: str) -> bool:
    """Whether nothing of the text stands in it."""
    return has_references(text) and not _REFERENCE.sub("", text)


def mentioned(text: str) -> str:
    """The references of `text` in words, without their defaults, which may be secret."""
    return " and ".join(f"${{{name}}}" for name in references(text)) or "its text"


def interpolate(text: str, lookup: Lookup, *, is_url: bool = False) -> str:
    """Resolve the references in `text`; what they insert is not scanned again.

    Args:
        text: a string value of a file.
        lookup: finds a variable's text; None when it is not set.
        is_url: refuse inserted text that would break the user part of a URL.

    Raises:
        InterpolationError: a reference is malformed, or its variable is not set.
    """
    parts = list(_parts(text))
    _refuse_missing([part for part in parts if isinstance(part, Reference)], lookup)
    pieces = [part if isinstance(part, str) else _resolve(part, lookup) for part in parts]
    if is_url:
        _refuse_unsafe(parts, pieces)
    return "".join(pieces)


def _parts(text: str) -> Iterator[str | Reference]:
    position = 0
    while token := _TOKEN.search(text, position):
        yield text[position : token.start()]
        if token.group() == "$${":
            yield "${"
            position = token.end()
            continue
        found = _REFERENCE.match(text, token.start())
        if found is None:
            raise InterpolationError(
                "'${' opens a reference that is not ${NAME}, ${NAME:-default} or ${NAME:?message}",
                "write $${ for the text '${', or correct the reference",
            )
        yield Reference(found[1], found[2] or "", found[3] or "")
        position = found.end()
    yield text[position:]


def _refuse_missing(mentioned: list[Reference], lookup: Lookup) -> None:
    """Refuse two or more variables without a text at once; one alone is told with its own message."""
    missing = [part for part in mentioned if part.form != ":-" and not lookup(part.name)]
    names = " and ".join(dict.fromkeys(part.name for part in missing))
    if " and " in names and not any(part.argument for part in missing):
        raise InterpolationError(f"needs environment variables {names}, which are not set or empty", f"set {names}")


def _resolve(reference: Reference, lookup: Lookup) -> str:
    name = reference.name
    value = lookup(name)
    if value:
        return value
    if reference.form == ":-":
        return reference.argument
    state = "is not set" if value is None else "is set but empty"
    if reference.form == ":?" and reference.argument:
        raise InterpolationError(
            f"needs environment variable {name}, which {state}: {reference.argument}", f"set {name}"
        )
    raise InterpolationError(
        f"needs environment variable {name}, which {state}",
        f"set {name}, or give a default: ${{{name}:-value}}",
    )


def _refuse_unsafe(parts: list[str | Reference], pieces: list[str]) -> None:
    """Refuse text that a URL would read as its own signs: between a literal `://` and the last literal `@`."""
    literals = [part if isinstance(part, str) else "" for part in parts]
    last = max((index for index, literal in enumerate(literals) if "@" in literal), default=-1)
    whole = "".join(literals)
    start = whole.find("://")
    colon = whole.find(":", start + 3) if start >= 0 else -1
    position = 0  # of the part, among the literals: joined anew for each part, many references took minutes
    for index, part in enumerate(parts[: last + 1]):
        if isinstance(part, Reference) and 0 <= start <= position - 3 and _UNSAFE_IN_USERINFO & set(pieces[index]):
            key = "password" if 0 <= colon < position else "username"
            raise InterpolationError(
                f"the value of {part.name} holds a character that breaks a URL",
                "take it out of the URL and write beside it: ",
                beside=(key, f"${{{part.name}}}"),
            )
        position += len(literals[index])
