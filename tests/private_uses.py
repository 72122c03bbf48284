"""Finds private names of other packages in the library's source (contract C16.1)."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRIVATE = re.compile(r"_(?!_)\w+")
SCOPE_KEY = re.compile(r"(starlette|fastapi|litestar)\.[a-z_]+")
ASKING = frozenset({"getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller"})

OURS = ("myfy_data", "myfy.data")
HARMLESS = frozenset({"builtins", "abc", "typing", "enum"})
"""Where bases come from whose private names are the language's."""

DOCUMENTED = frozenset({"_getframe", "_exit"})
"""Of `sys` and `os`: documented in spite of their names."""


@dataclass(frozen=True)
class Use:
    """A private name that is not the module's own.

    Attributes:
        place: file and line.
        name: the name.
    """

    place: str
    name: str


def uses_outside(path: Path) -> Iterator[Use]:
    """Private names that a file asks other objects for, or imports, and hooks that it puts into a dialect."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = _defined(tree) | DOCUMENTED
    for node in ast.walk(tree):
        names = [*(name for name in _asked(node) if name not in own), *_put_into_dialect(node)]
        yield from (Use(f"{path}:{getattr(node, 'lineno', 0)}", name) for name in names)


def scope_keys(path: Path) -> Iterator[Use]:
    """Keys of a framework's scope that a file names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SCOPE_KEY.fullmatch(node.value):
            yield Use(f"{path}:{node.lineno}", node.value)


def uses_inherited(path: Path, module: str) -> Iterator[Use]:
    """Private names that a file's classes share with the foreign classes that they inherit from."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.bases]
    found = importlib.import_module(module) if classes else None
    for node in classes:
        kind = vars(found).get(node.name)
        theirs = _foreign(kind) if isinstance(kind, type) else set()
        for name in sorted(_mentioned(node) & theirs):
            yield Use(f"{path}:{node.lineno}", name)


# -- what stands in the source ---------------------------------------------------------------------------------------


def _asked(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(value=ast.Name(id="self" | "cls")):
            return
        case ast.Attribute(attr=name) if PRIVATE.fullmatch(name):
            yield name
        case ast.Call(func=ast.Name(id=asks), args=arguments) if asks in ASKING:
            texts = [each.value for each in arguments if isinstance(each, ast.Constant)]
            yield from (text for text in texts if isinstance(text, str) and PRIVATE.fullmatch(text))
        case ast.ImportFrom(module=str(module), names=names):
            parts = [*module.split("."), *(each.name for each in names)]
            yield from (part for part in parts if PRIVATE.fullmatch(part))
        case _:
            return


def _put_into_dialect(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Attribute(value=holder, attr=name, ctx=ast.Store()) if ast.unparse(holder).endswith("dialect"):
            yield name
        case _:
            return


def _defined(tree: ast.AST) -> set[str]:
    """Private names that a file gives to objects of its own, and modules that it names."""
    own: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                own.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                own.add(name)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                own.add(name)
            case ast.Assign(targets=[ast.Name(id="__slots__")], value=ast.Tuple(elts=texts)):
                own.update(str(text.value) for text in texts if isinstance(text, ast.Constant))
            case _:
                pass
    return own


def _mentioned(node: ast.ClassDef) -> set[str]:
    """Private names that a class defines, or asks itself or its bases for."""
    found = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute) and _is_itself(each.value)}
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(each.name)
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
    return {name for name in found if PRIVATE.fullmatch(name)}


def _is_itself(value: ast.expr) -> bool:
    match value:
        case ast.Name(id="self" | "cls") | ast.Call(func=ast.Name(id="super")):
            return True
        case _:
            return False


# -- what the foreign classes have -------------------------------------------------------------------------------------


def _foreign(kind: type) -> set[str]:
    found: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith(OURS) and base.__module__ not in HARMLESS:
            found |= set(vars(base)) | {name for value in vars(base).values() for name in _stored(value)}
    return found


def _stored(value: Any) -> Iterator[str]:
    """Names in a function's code; those that it sets are among them."""
    code = getattr(inspect.unwrap(value), "__code__", None) if callable(value) else None
    yield from code.co_names if code is not None else ()
