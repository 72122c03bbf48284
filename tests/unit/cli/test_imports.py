"""What a command imports: only what it needs, because importing is what a short command costs (contract C3.13)."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox

HEAVY = ("sqlalchemy", "asyncpg", "aiomysql", "aiosqlite", "alembic", "rich", "yaml")

SPY = """
import sys
sys.stdout.reconfigure(line_buffering=True)
from myfy_data.cli import main
code = main({arguments!r})
print()
print("imported:", *(name for name in {names!r} if name in sys.modules))
sys.exit(code)
"""


def imported(project: Sandbox, *arguments: str, names: tuple[str, ...] = HEAVY) -> set[str]:
    result = project.python("-c", SPY.format(arguments=list(arguments), names=names))
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].removeprefix("imported:").split())


@pytest.mark.parametrize(
    "command",
    [
        ("config", "show", "--origin"),
        ("config", "show", "--json"),
        ("config", "explain", "pool_size"),
        ("config", "check"),
        ("config", "schema"),
        ("config", "init"),
    ],
    ids=" ".join,
)
def test_no_configuration_command_imports_a_database_or_yaml(project: Sandbox, command: tuple[str, ...]) -> None:
    if "init" not in command:
        project.write("myfy.toml", "[data]\npool_size = 3\n")

    assert imported(project, *command) == set()


def test_a_command_imports_no_other_command(project: Sandbox) -> None:
    project.write("myfy.toml", "[data]\npool_size = 3\n")
    others = ("myfy_data.cli.db.group", "myfy_data.cli.ping", "myfy_data.cli.config.init", "myfy_data.cli.config.check")

    assert imported(project, "config", "check", names=others) == {"myfy_data.cli.config.check"}


def test_a_yaml_layer_brings_yaml_and_nothing_else(project: Sandbox) -> None:
    project.write("myfy.yaml", "data:\n  pool_size: 3\n")

    assert imported(project, "config", "check") == {"yaml"}


@pytest.mark.parametrize(
    "arguments", [("--help",), ("config", "--help"), ("config", "show", "--help"), ("ping", "--help")]
)
def test_help_needs_no_settings(project: Sandbox, arguments: tuple[str, ...]) -> None:
    assert imported(project, *arguments, names=(*HEAVY, "pydantic", "asyncio")) == set()


def test_importing_the_command_line_imports_nothing_heavy(project: Sandbox) -> None:
    code = f"import sys, myfy_data.cli; print(*(name for name in {(*HEAVY, 'pydantic')!r} if name in sys.modules))"

    assert project.python("-c", code).stdout.strip() == ""
