"""The floors hold, and the linter that holds them would notice (ADR 2)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.sandbox import package_parent

ROOT = Path(__file__).parents[2]


def lint_imports(package_folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with our contracts on the `myfy_data` that stands in a folder."""
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", linter, "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=package_folder,
        env=os.environ | {"PYTHONPATH": str(package_folder), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package that a test may spoil."""
    copy = tmp_path / "myfy_data"
    shutil.copytree(package_parent() / "myfy_data", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_every_contract_holds() -> None:
    result = lint_imports(package_parent())

    assert result.returncode == 0, result.stdout


def test_an_import_that_points_upward_is_noticed(copied: Path) -> None:
    (copied / "origins.py").write_text("import myfy_data.layers\n", encoding="utf-8")

    result = lint_imports(copied.parent)

    assert "myfy_data.origins is not allowed to import myfy_data.layers" in result.stdout
    assert result.returncode == 1


def test_a_module_without_a_floor_is_noticed(copied: Path) -> None:
    (copied / "helpers.py").touch()

    result = lint_imports(copied.parent)

    assert "helpers" in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("settings/models.py", "sqlalchemy"),
        ("layers/merge.py", "pydantic"),
        ("sessions/factory.py", "asyncpg"),
        ("sessions/factory.py", "alembic"),
        ("sessions/factory.py", "myfy.core"),
        ("sessions/factory.py", "starlette"),
        ("sessions/factory.py", "rich"),
    ],
)
def test_a_package_that_enters_by_another_door_is_noticed(copied: Path, module: str, package: str) -> None:
    with (copied / module).open("a", encoding="utf-8") as source:
        source.write(f"\nimport {package}\n")

    result = lint_imports(copied.parent)

    assert "BROKEN" in result.stdout
    assert result.returncode == 1


def test_the_record_of_the_decision_names_every_floor() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = tools["importlinter"]["contracts"][0]["layers"]
    record = (ROOT / "docs/adr/0002-floors.md").read_text(encoding="utf-8")

    modules = {name.strip(" ()") for layer in layers for name in layer.split("|")}

    assert {name for name in modules - {"__main__"} if f"`{name}`" not in record} == set()
