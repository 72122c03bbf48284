"""Reads one file, once, into a tree whose keys know their places; knows nothing of settings (contract C3.9, C3.10)."""

from __future__ import annotations

import codecs
import os
import shlex
from pathlib import Path
from typing import Any

from myfy_data.errors import Problem
from myfy_data.layers.files.regular_file import NotRegularFileError, open_regular
from myfy_data.layers.syntax import DEFAULT_LIMITS, SPLIT, LayerSyntaxError, Limits, Lines, Locate, Place, spot
from myfy_data.origins import KeyPath

__all__ = ["DEFAULT_LIMITS", "Document", "LayerSyntaxError", "Limits", "Place", "read_document", "read_text_file"]

_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_AS_UTF8 = "save the file as UTF-8"
_FIRST_READ = 64 * 1024
"""Bytes; to ask for the limit at once makes a buffer of 4 MiB, which takes longer than to read most files."""


class Document:
    """One file as a tree.

    Attributes:
        path: the file.
        name: how messages call the file.
        tree: its content; parts may be shared, so it is never to be changed.
    """

    __slots__ = ("_locate", "name", "path", "tree")

    def __init__(self, path: Path | str, name: str, tree: dict[str, object], locate: Locate) -> None:
        self.path: Path | str = path
        self.name: str = name
        self.tree: dict[str, Any] = tree
        self._locate = locate

    def __repr__(self) -> str:
        return f"<Document {self.name}>"

    def key_place(self, path: KeyPath) -> Place | None:
        """Line and column of the key at `path`; of a table, where it is named first. None where there is no key."""
        return self._locate(path)


def read_document(path: Path | str, name: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read a TOML or YAML file.

    Args:
        path: the file; its suffix says what it is.
        name: how messages call it.
        limits: what it may hold at most.

    Raises:
        LayerSyntaxError: it cannot be read or used; nothing of its content is in the error or chained to it.
    """
    try:
        return _read(path, name, limits)
    except LayerSyntaxError as error:
        problems = error.problems
    # Raised anew here, the traceback holds no frame with the text of the file.
    raise LayerSyntaxError(problems)


def read_text_file(path: Path | str, name: str, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """The text of a UTF-8 file without its byte order mark; None when there is no such file.

    Raises:
        LayerSyntaxError: the file is there but cannot be read, is too big, or is not UTF-8 text.
    """
    failure: OSError | None = None
    raw = b""
    try:
        with open_regular(path) as file:
            raw = file.read(_FIRST_READ)
            if len(raw) == _FIRST_READ:
                raw += file.read(max(0, limits.size + 1 - _FIRST_READ))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        failure = error
    if failure is not None:
        raise LayerSyntaxError([_unreadable(failure, Path(path), name)])
    if len(raw) > limits.size:
        raise LayerSyntaxError([Problem(name, "", f"is larger than {limits.size} bytes", (), SPLIT)])
    return _decode(raw, name)


def _read(path: Path | str, name: str, limits: Limits) -> Document:
    stem, suffix = os.path.splitext(path)  # noqa: PTH122 - as in `read_text_file`
    suffix = suffix.lower()
    if suffix not in (".toml", ".yaml", ".yml"):
        message = "its name does not say whether it is TOML or YAML"
        stem = os.path.basename(stem)  # noqa: PTH119 - as above
        fix = f"rename it to {stem}.toml or {stem}.yaml"
        raise LayerSyntaxError([Problem(name, "", message, (), fix)])
    text = read_text_file(path, name, limits)
    if text is None:
        raise LayerSyntaxError([Problem(name, "", "does not exist", (), f"touch {shlex.quote(str(path))}")])
    if suffix == ".toml":
        from myfy_data.layers.toml.reader import parse_toml  # noqa: PLC0415 - tomli costs 7 ms

        return Document(path, name, *parse_toml(text, name, limits))
    from myfy_data.layers.yaml.reader import parse_yaml  # noqa: PLC0415 - yaml costs 17 ms

    return Document(path, name, *parse_yaml(text, name, limits))


def _unreadable(failure: OSError, path: Path, name: str) -> Problem:
    place = shlex.quote(str(path))
    if isinstance(failure, IsADirectoryError):
        return Problem(name, "", "is a directory, not a file", (), f"name a file in it: {path / 'myfy.toml'}")
    if isinstance(failure, NotRegularFileError):
        return Problem(name, "", str(failure.strerror), (), f"mv {place} {place}.bak")
    if isinstance(failure, PermissionError):
        closed = not os.access(path.parent, os.X_OK)
        fix = f"chmod u+x {shlex.quote(str(path.parent))}" if closed else f"chmod u+r {place}"
        return Problem(name, "", "cannot be read: permission denied", (), fix)
    return Problem(name, "", f"cannot be read: {(failure.strerror or 'unknown error').lower()}", (), f"ls -l {place}")


def _decode(raw: bytes, name: str) -> str:
    for mark, encoding in _OTHER_ENCODINGS:
        if raw.startswith(mark):
            raise LayerSyntaxError([Problem(spot(name, (1, 1)), "", f"is {encoding}, not UTF-8", (), _AS_UTF8)])
    raw = raw.removeprefix(codecs.BOM_UTF8)
    nul = raw.find(0)
    bad = _first_bad_byte(raw if nul < 0 else raw[:nul])
    if bad is not None:
        raise LayerSyntaxError([_not_text(raw[:bad], name, "a byte here is not UTF-8", _AS_UTF8)])
    if nul >= 0:
        fix = "delete it" if raw.count(0) == 1 else _AS_UTF8  # UTF-16 without a mark has one in each character
        raise LayerSyntaxError([_not_text(raw[:nul], name, "a NUL character stands here", fix)])
    return raw.decode()


def _first_bad_byte(raw: bytes) -> int | None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _not_text(before: bytes, name: str, message: str, fix: str) -> Problem:
    text = before.decode()
    return Problem(spot(name, Lines(text).place(len(text))), "", message, (), fix)
