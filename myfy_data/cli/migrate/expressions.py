"""Values of Python source, read without running it: literals, variables of the environment, and text made of both."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "UNKNOWN"})()
"""What only running the code would tell."""

_GETTERS = frozenset(
    {"getenv", "get", "env", "str", "int", "bool", "float", "config", "url", "environ", "secret", "path", "db_url"}
)
_ENVIRONMENTS = frozenset({"environ", "env", "os", "config", "decouple", "ENV"})
_THROUGH = frozenset({"str", "int", "float", "bool", "Path", "SecretStr", "quote", "quote_plus", "make_url", "resolve"})
_DATABASE_URL = frozenset({"db", "db_url", "dj_db_url"})
_REFERENCE = re.compile(r"\$\{")
_UNFIT = re.compile(r"[}\n]|\$\{")


class Reader:
    """Reads expressions of one module.

    Args:
        tree: the module.
    """

    def __init__(self, tree: ast.Module) -> None:
        self._names: dict[str, ast.expr] = {}
        for node in tree.body:
            for target, value in assigned(node):
                if isinstance(target, ast.Name):
                    self._names[target.id] = value
        self._depth = 0

    def read(self, node: ast.AST | None) -> object:
        """The value; `UNKNOWN` where only running the code would tell."""
        reader = _READERS.get(type(node)) if node is not None else None
        if reader is None or self._depth > _DEEPEST:
            return UNKNOWN
        self._depth += 1
        try:
            return reader(self, node)
        finally:
            self._depth -= 1

    def name(self, node: ast.Name) -> object:
        """What the module gives a name."""
        return self.read(self._names.get(node.id))

    def assigned_to(self, node: ast.Name) -> ast.expr | None:
        """The expression that the module assigns to a name."""
        return self._names.get(node.id)

    def text(self, node: ast.JoinedStr) -> object:
        """An f-string."""
        parts = [self.read(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values]
        return _joined(parts)

    def operation(self, node: ast.BinOp) -> object:
        """Text added to text, a path below another, or text filled in by `%`."""
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.Div):
            return right if isinstance(right, str) and left is UNKNOWN else _path(left, right)
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return _filled(left, right if isinstance(right, list) else [right])
        return _product(node.op, left, right)

    def either(self, node: ast.BoolOp) -> object:
        """`os.environ.get("X") or "default"`."""
        values = [self.read(value) for value in node.values]
        first, last = values[0], values[-1]
        if not isinstance(first, str) or not first.startswith("${") or ":-" in first or last is UNKNOWN:
            return first
        return reference(first[2:-1], last)

    def item(self, node: ast.Subscript) -> object:
        """`os.environ["X"]`."""
        name = self.read(node.slice)
        return reference(name) if called(node.value) == "environ" and isinstance(name, str) else UNKNOWN

    def call(self, node: ast.Call) -> object:
        """A variable of the environment, or a function that passes its argument on."""
        name = called(node.func)
        first = self.read(node.args[0]) if node.args else UNKNOWN
        if _is_environment(node.func):
            default = next((keyword.value for keyword in node.keywords if keyword.arg == "default"), None)
            default = node.args[1] if default is None and len(node.args) > 1 else default
            if name in _DATABASE_URL and first is UNKNOWN:
                first = "DATABASE_URL"
            return reference(first, self.read(default)) if isinstance(first, str) else UNKNOWN
        if name == "join":
            return _path(*(self.read(part) for part in node.args))
        if name == "format" and isinstance(node.func, ast.Attribute):
            keywords = {keyword.arg: self.read(keyword.value) for keyword in node.keywords if keyword.arg}
            return _formatted(self.read(node.func.value), [self.read(part) for part in node.args], keywords)
        if name == "dict" and not node.args:
            return {keyword.arg: self.read(keyword.value) for keyword in node.keywords if keyword.arg}
        return first if name in _THROUGH else UNKNOWN

    def mapping(self, node: ast.Dict) -> object:
        """A dictionary with keys that are literals."""
        pairs = zip(node.keys, node.values, strict=True)
        read = {self.read(key): self.read(value) for key, value in pairs if key is not None}
        return {key: value for key, value in read.items() if isinstance(key, str)}


_DEEPEST = 50


def _constant(_: Reader, node: ast.Constant) -> object:
    return _REFERENCE.sub("$${", node.value) if isinstance(node.value, str) else node.value


def _sequence(reader: Reader, node: ast.List | ast.Tuple) -> object:
    return [reader.read(item) for item in node.elts]


def _negated(reader: Reader, node: ast.UnaryOp) -> object:
    value = reader.read(node.operand)
    return -value if isinstance(node.op, ast.USub) and isinstance(value, int | float) else UNKNOWN


_READERS: Mapping[type[ast.AST], Callable[[Reader, Any], Any]] = {
    ast.Constant: _constant,
    ast.Name: Reader.name,
    ast.JoinedStr: Reader.text,
    ast.BinOp: Reader.operation,
    ast.BoolOp: Reader.either,
    ast.Subscript: Reader.item,
    ast.Call: Reader.call,
    ast.Dict: Reader.mapping,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.UnaryOp: _negated,
}


def assigned(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """What a statement assigns: targets with their values."""
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets]
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return [(node.target, node.value)]
    return []


def called(node: ast.AST) -> str:
    """The last name of what is called or looked into."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def reference(name: str, default: object = UNKNOWN) -> str:
    """A variable as our files refer to it; a default that they could not write is left out."""
    text = str(default).lower() if isinstance(default, bool) else str(default)
    fits = default is not UNKNOWN and isinstance(default, str | int | float) and text and not _UNFIT.search(text)
    return f"${{{name}:-{text}}}" if fits else f"${{{name}}}"


def _is_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in ("getenv", "env", "config")
    return (
        isinstance(node, ast.Attribute)
        and node.attr in _GETTERS | _DATABASE_URL
        and called(node.value) in _ENVIRONMENTS
    )


def _joined(parts: Sequence[object]) -> object:
    if any(part is UNKNOWN or isinstance(part, dict | list) for part in parts):
        return UNKNOWN
    return "".join(str(part) for part in parts)


def _path(*parts: object) -> object:
    """Parts of a path; the first, such as `BASE_DIR`, may be what only the code knows, and is the project's root."""
    known = [part for part in parts if isinstance(part, str)]
    return "/".join(known) if known and len(known) >= len(parts) - 1 and parts[-1] is not UNKNOWN else UNKNOWN


def _product(operator: ast.operator, left: Any, right: Any) -> object:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    return left * right if numbers and isinstance(operator, ast.Mult) else UNKNOWN


def _filled(text: str, values: Sequence[object]) -> object:
    pieces = re.split(r"%[sd]", text)
    if len(pieces) != len(values) + 1 or "%" in "".join(pieces):
        return UNKNOWN
    return _joined([item for pair in zip(pieces, [*values, ""], strict=True) for item in pair])


def _formatted(text: object, values: Sequence[object], keywords: Mapping[str, object]) -> object:
    if not isinstance(text, str):
        return UNKNOWN
    parts: list[Any] = []
    waiting = iter(values)
    for index, piece in enumerate(re.split(r"(?<!\$)\{(\w*)\}", text)):
        if index % 2 == 0:
            parts.append(piece)
        elif piece and not piece.isdigit():
            parts.append(keywords.get(piece, UNKNOWN))
        else:
            parts.append(values[int(piece)] if piece and int(piece) < len(values) else next(waiting, UNKNOWN))
    return _joined(parts)
