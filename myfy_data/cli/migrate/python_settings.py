"""Settings that Python source gives by name: module constants, classes, `app.config[...]` and its like."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from myfy_data.cli.migrate.expressions import assigned, called

_BASES = ("", "BaseConfig", "Config", "DefaultConfig", "BaseSettings", "Settings")
"""Where settings stand that hold in every environment, the first of them first."""


@dataclass(frozen=True, slots=True)
class Found:
    """One setting.

    Attributes:
        name: its name, such as `SQLALCHEMY_DATABASE_URI`.
        node: its value.
        line: where it stands.
        scope: the class that it stands in; empty for the module and for an application's own.
    """

    name: str
    node: ast.expr
    line: int
    scope: str = ""


def find_settings(tree: ast.Module, names: frozenset[str]) -> tuple[dict[str, Found], list[Found]]:
    """The settings of these names that hold in every environment, and those of single environments."""
    found = [item for item in _all(tree, "") if item.name in names]
    scopes = list(dict.fromkeys(item.scope for item in found))
    ranked = [scope for scope in _BASES if scope in scopes]
    used = set(ranked or scopes[:1])
    chosen: dict[str, Found] = {}
    for scope in ranked or scopes[:1]:
        for item in found:
            if item.scope == scope:
                chosen[item.name] = item
    return chosen, [item for item in found if item.scope not in used]


def _all(tree: ast.AST, scope: str) -> Iterator[Found]:
    for node in ast.iter_child_nodes(tree):
        for target, value in assigned(node):
            name = _named(target)
            if name:
                yield Found(name, value, target.lineno, scope)
        if isinstance(node, ast.Call) and called(node.func) in ("update", "from_mapping", "setdefault", "from_object"):
            yield from _given(node, scope)
        yield from _all(node, node.name if isinstance(node, ast.ClassDef) else scope)


def _named(target: ast.expr) -> str:
    """The setting that an assignment is about: `NAME = ...`, `config["NAME"] = ...`."""
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return ""


def _given(node: ast.Call, scope: str) -> Iterator[Found]:
    """The settings that a call gives: as keywords, or in a dictionary."""
    for keyword in node.keywords:
        if keyword.arg:
            yield Found(keyword.arg, keyword.value, keyword.value.lineno, scope)
    for argument in node.args:
        if isinstance(argument, ast.Dict):
            for key, value in zip(argument.keys, argument.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield Found(str(key.value), value, value.lineno, scope)
