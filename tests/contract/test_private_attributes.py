"""Tests look at the package through public names: a move inside it then changes no test."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import myfy_data

PACKAGE = Path(myfy_data.__file__).parent
TESTS = Path(__file__).parents[1]

_OF_SQLALCHEMY = "SQLAlchemy's, overridden or declared in `engines/connect/sqlalchemy_contract.py`: "
_OF_A_DRIVER = "the driver's own, declared in `engines/connect/driver_contract.py`: "

LEFT = {
    ("faults/proxy.py", "_replace"): "a public method of named tuples",
    ("integration/test_module_secrets.py", "_replace"): "a public method of named tuples",
    ("scripted_commit.py", "_replace"): "a public method of named tuples",
    ("tcp_proxy.py", "_replace"): "a public method of named tuples",
    ("clusters/profiles.py", "_monitor"): "a look is begun before its time, in place of waiting for it",
    ("integration/test_cluster_token_costs.py", "_monitor"): "a look is begun before its time, as above",
    ("failover/clients.py", "_begin"): "the control of the benchmark is this package whose monitor does not look",
    ("integration/test_session_maker.py", "_sessionmaker"): "upstream's name, which packages for it read",
    ("integration/test_protections.py", "_do_get"): _OF_SQLALCHEMY + "the fair pool is removed by design",
    ("integration/test_protections.py", "_write_bytes"): _OF_A_DRIVER + "our guard is removed by design",
    ("integration/test_sqlite_messages.py", "_has_events"): _OF_SQLALCHEMY + "what a listener costs has no public sign",
    ("unit/engines/test_status.py", "_overflow"): _OF_SQLALCHEMY + "three connections, without opening them",
    ("unit/engines/test_wait_queue.py", "_dec_overflow"): _OF_SQLALCHEMY + "called as SQLAlchemy does",
    ("unit/engines/test_wait_queue.py", "_do_get"): _OF_SQLALCHEMY + "called as SQLAlchemy does",
    ("unit/engines/test_wait_queue.py", "_do_return_conn"): _OF_SQLALCHEMY + "called as SQLAlchemy's finalizer does",
    ("integration/test_engines_loop_affinity.py", "_connection"): _OF_A_DRIVER + "aiosqlite has no public sign of it",
    ("integration/test_mysql_pre_ping.py", "_writer"): _OF_A_DRIVER + "the socket, to see when news has come in",
    ("integration/test_postgresql_transaction_ended.py", "_protocol"): _OF_A_DRIVER + "past every rule of ours",
    ("sqlite_ends.py", "_conn"): _OF_A_DRIVER + "the file's connection, past every rule of ours",
    ("sqlite_ends.py", "_execute"): _OF_A_DRIVER + "on the thread, past every rule of ours",
}
"""What is left: file, name, and why it has no public view."""

PATCHES = frozenset({"getattr", "setattr", "delattr", "hasattr", "object"})
"""Functions that take an attribute's name as text: pytest's and Python's, and `patch.object`."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def defined(tree: ast.AST) -> Iterator[str]:
    """The names that a module gives to anything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.attr if isinstance(node, ast.Attribute) else node.id
        elif isinstance(node, ast.keyword | ast.arg) and node.arg:
            yield node.arg


def used(tree: ast.AST) -> Iterator[str]:
    """The private attributes of other objects that a module reads, sets, patches or imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("myfy_data"):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and name_of(node.func) in PATCHES:
            yield from (text.rpartition(".")[2] for text in texts(node.args))


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def texts(arguments: Iterable[ast.expr]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def modules(folder: Path) -> Iterator[tuple[Path, ast.AST]]:
    for path in sorted(folder.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def private_uses(folder: Path, ours: frozenset[str]) -> set[tuple[str, str]]:
    """File and name of each private attribute in a folder of tests that bears a name of the package."""
    return {
        (path.relative_to(folder).as_posix(), name)
        for path, tree in modules(folder)
        for name in used(tree)
        if is_private(name) and name in ours
    }


@pytest.fixture(scope="module")
def ours() -> frozenset[str]:
    """Every private name in the package, those of other packages that it overrides among them."""
    return frozenset(name for _, tree in modules(PACKAGE) for name in defined(tree) if is_private(name))


def test_no_test_looks_at_a_private_attribute_without_a_reason(ours: frozenset[str]) -> None:
    assert private_uses(TESTS, ours) - LEFT.keys() == set()


def test_every_reason_is_needed(ours: frozenset[str]) -> None:
    assert LEFT.keys() - private_uses(TESTS, ours) == set()


@pytest.mark.parametrize(
    "line",
    [
        "thing._hidden",
        "thing._hidden = 1",
        "thing.other._hidden()",
        "monkeypatch.setattr(thing, '_hidden', 1)",
        "monkeypatch.setattr('myfy_data.room._hidden', 1)",
        "patch.object(Thing, '_hidden')",
        "from myfy_data.room import _hidden",
    ],
)
def test_every_way_to_a_private_name_is_seen(tmp_path: Path, line: str) -> None:
    (tmp_path / "test_x.py").write_text(line + "\n", encoding="utf-8")

    assert private_uses(tmp_path, frozenset({"_hidden"})) == {("test_x.py", "_hidden")}
