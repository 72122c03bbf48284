"""A database is a folder: what uses connections outside asks the backend, never for a name (ADR 31)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from myfy_data.engines.backends import BACKENDS
from myfy_data.engines.connect.backend import Backend
from myfy_data.settings.urls import DRIVERS
from tests.sandbox import package_parent

PACKAGE = package_parent() / "myfy_data"
NAMES = frozenset({"sqlite", "postgresql", "mysql", "mariadb"})

ROOMS = ("engines", "sessions", "retry", "module", "integrations", "asgi.py", "health")
"""What opens, uses and gives out connections. Settings and migrations have rules of their own for each database."""


def asks_for_a_database(source: str) -> bool:
    """Whether a file compares something with a database's name."""
    return any(
        isinstance(node, ast.Constant) and node.value in NAMES
        for compare in ast.walk(ast.parse(source))
        if isinstance(compare, ast.Compare)
        for node in ast.walk(compare)
    )


def files() -> list[Path]:
    own = [PACKAGE / "engines" / database for database in BACKENDS]
    every = [
        path for room in ROOMS for path in [PACKAGE / room, *(PACKAGE / room).rglob("*.py")] if path.suffix == ".py"
    ]
    return [path for path in every if not any(path.is_relative_to(folder) for folder in own)]


def test_what_uses_connections_asks_for_no_database_by_name() -> None:
    asking = {str(path.relative_to(PACKAGE)) for path in files() if asks_for_a_database(path.read_text("utf-8"))}

    assert len(files()) > len(ROOMS)
    assert asking == set()


@pytest.mark.parametrize(
    ("source", "asks"),
    [
        ('if url.backend == "mysql": pass', True),
        ('if url.backend in ("mysql", "mariadb"): pass', True),
        ('PORTS = {"mysql": 3306}', False),
        ("if backend.pings_read_only: pass", False),
    ],
)
def test_a_comparison_with_a_name_is_found(source: str, asks: bool) -> None:
    assert asks_for_a_database(source) is asks


def test_every_database_of_a_url_has_its_folder() -> None:
    named = {driver.partition("+")[0] for driver in DRIVERS.values()}

    assert named - {"mariadb"} == set(BACKENDS)  # which speaks MySQL's protocol
    assert all((PACKAGE / "engines" / database / "backend.py").is_file() for database in BACKENDS)


def test_what_the_record_asks_of_a_database_is_what_a_backend_has() -> None:
    record = (Path(__file__).parents[2] / "docs/adr/0031-a-database-is-a-folder.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in record.splitlines() if line.endswith(("/backend.py` |", "| the same |"))]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)} - {"Backend"}

    assert {"build_arguments", "explain_refusal", "product"} < named
    assert {name for name in named if name not in {*dir(Backend), *Backend.__annotations__}} == set()
