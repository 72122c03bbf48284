"""Every fix that rooms other than configuration's can print, found in the source, so that none is without a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import myfy_data
from tests.golden.sentences import ROOMS

PACKAGE = Path(myfy_data.__file__).parent
_MARK = "fix: "
_NAME = re.compile(r"(?:^|_)(?:fix|install)(?:$|_)", re.IGNORECASE)
_LATER = re.compile(r"\{\w+\}")
"""What `str.format` fills in."""
_WORD = re.compile(r"[A-Za-z]{2,}")


def printed_fixes() -> dict[str, str]:
    """The module of each fix by its text, `{}` for what is filled in; configuration's are the golden cases'."""
    trees = {
        str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in ROOMS
    }
    everywhere = {name: place for tree in trees.values() for name, place in _takers(tree).items()}
    found = {}
    for module, tree in trees.items():
        own = {node.name: None for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        places = everywhere | own | _takers(tree)
        for node in _whole(tree):
            found |= {text: module for text in _said(node, places) if _WORD.search(text.replace("{}", ""))}
    return found


def _whole(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree but docstrings, and the pieces of texts that are filled in."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.Expr) and _text(node.value) is not None):
            yield node
            if _text(node) is None:
                yield from _whole(node)


def _takers(tree: ast.AST) -> dict[str, int | None]:
    """Functions and classes that take a fix, and at which of their positional arguments."""
    found: dict[str, int | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")]
        elif isinstance(node, ast.ClassDef):
            names = _fields(node)
        else:
            continue
        if "fix" in names:
            found[node.name] = names.index("fix")
    return found


def _fields(node: ast.ClassDef) -> list[str]:
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return [argument.arg for argument in each.args.args[1:]]
    found = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
    return [target.id for target in found if isinstance(target, ast.Name)]


def _said(node: ast.AST, places: Mapping[str, int | None]) -> Iterator[str]:
    """The fixes that a node by itself puts into words."""
    text = _text(node)
    if text is not None and _MARK in text and not text.endswith(_MARK):
        yield text.partition(_MARK)[2].rstrip()
    elif isinstance(node, ast.Call):
        yield from _handed(node, places)
    elif isinstance(node, ast.Assign):
        yield from _assigned(node)
    elif isinstance(node, ast.FunctionDef) and _NAME.search(node.name):
        for each in ast.walk(node):
            if isinstance(each, ast.Return) and each.value is not None:
                yield from _texts(each.value)


def _handed(node: ast.Call, places: Mapping[str, int | None]) -> Iterator[str]:
    for keyword in node.keywords:
        if keyword.arg and _NAME.search(keyword.arg):
            yield from _texts(keyword.value)
    place = places.get(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
    if place is not None and place < len(node.args):
        yield from _texts(node.args[place])


def _assigned(node: ast.Assign) -> Iterator[str]:
    for target in node.targets:
        if isinstance(target, ast.Name) and _NAME.search(target.id):
            yield from _texts(node.value)
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            for name, value in zip(target.elts, node.value.elts, strict=False):
                if isinstance(name, ast.Name) and _NAME.search(name.id):
                    yield from _texts(value)


def _texts(node: ast.AST) -> Iterator[str]:
    """The whole texts in an expression, in what is called to make it, too."""
    text = _text(node)
    if text is not None:
        yield text.strip()
        return
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Compare | ast.Subscript) or (isinstance(node, ast.IfExp) and child is node.test)):
            yield from _texts(child)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _LATER.sub("{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None
