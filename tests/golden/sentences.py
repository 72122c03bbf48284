"""Every sentence that reading a configuration can say, found in the source, so that none is without a golden text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import myfy_data

PACKAGE = Path(myfy_data.__file__).parent
ROOMS = ("layers", "profiles", "settings")
"""What `config check` says is worded here."""

_NOT_SAID = frozenset({"Field", "startswith", "endswith", "search", "match", "fullmatch", "compile", "TypeVar", "cast"})
"""Calls whose texts describe settings, or are looked for in other packages' texts."""

_WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True)
class Sentence:
    """Text of a message or of a fix.

    Attributes:
        module: where it stands, below the package.
        text: the text, `{}` for what is filled in.
    """

    module: str
    text: str

    def is_said_in(self, told: str) -> bool:
        """Whether a text of messages holds it, whatever is filled in."""
        pieces = [re.escape(piece) for piece in self.text.split("{}")]
        return re.search("[^\n]*?".join(pieces), told) is not None


def sentences() -> Iterator[Sentence]:
    """All of them."""
    for room in ROOMS:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            module = str(path.relative_to(PACKAGE))
            for text in _texts(ast.parse(path.read_text(encoding="utf-8"))):
                yield Sentence(module, text)


def _texts(tree: ast.AST) -> Iterator[str]:
    """Texts of two words or more in functions and constants; docstrings and descriptions of settings are none."""
    for node in _children(tree):
        text = _text(node)
        if text is None:
            yield from _texts(node)
        elif len(_WORD.findall(text.replace("{}", ""))) > 1 and " " in text.strip():
            yield text


def _children(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands in a node, less what only looks for text, or describes."""
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name | ast.Attribute):
        name = tree.func.id if isinstance(tree.func, ast.Name) else tree.func.attr
        if name in _NOT_SAID:
            return
    if isinstance(tree, ast.Dict):
        yield from tree.values
    elif isinstance(tree, ast.Compare):
        yield from tree.comparators if not isinstance(tree.left, ast.Constant) else ()
    else:
        yield from ast.iter_child_nodes(tree)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]  # a constant there is text
    return None
