"""Completion in the user's shell: the printed script, run by bash itself (contract C14.5)."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment
from tests.unit.cli.conftest import Run

FILE = """
[data]
default = "main"
[data.profiles.main]
database_url = "sqlite:///./main.db"
[data.profiles.analytics]
extends = "main"
"""
WORDS = {
    "config ch": "check",
    "ping an": "analytics",
    "ping main an": "analytics",
    "config show --profile m": "main",
    "db upgrade --profile an": "analytics",
    "config explain pool_si": "pool_size",
    "config explain profiles.analytics.pool_si": "profiles.analytics.pool_size",
    "config explain sqlite.bu": "sqlite.busy_timeout",
    "config check --environment prod": "production",
    "config check --environment sta": "staging",
    "config check --set pool_si": "pool_size=",
    "completion ba": "bash",
    "she": "shell",
    "shell an": "analytics",
    "sql an": "analytics",
    "db see": "seed",
    "db reset --profile an": "analytics",
    "db schema --che": "--check",
}


@pytest.fixture
def shop(project: Sandbox) -> Sandbox:
    """Two profiles, one environment of its own, and the command under its name."""
    project.write("myfy.toml", FILE)
    project.write("config/staging.toml", "")
    command = project.path / "bin" / "myfy-data"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom myfy_data.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    return project


def completed(shop: Sandbox, words: str) -> list[str]:
    """What bash offers behind the words, as its own function for the command finds it."""
    script = (
        'eval "$(myfy-data completion bash)"\n'
        f"COMP_WORDS=(myfy-data {words}); COMP_CWORD={len(words.split())}\n"
        '_myfy_data_completion myfy-data; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    environ = child_environment()
    environ["PATH"] = f"{shop.path / 'bin'}:{environ['PATH']}"
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(  # noqa: PLW1510 - judged below
        [bash, "--norc", "-c", script], cwd=shop.path, env=environ, capture_output=True, text=True, timeout=RUN_TIMEOUT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(("words", "word"), WORDS.items())
def test_bash_completes(shop: Sandbox, words: str, word: str) -> None:
    assert completed(shop, words) == [word]


@pytest.mark.parametrize("words", ["db create main --al", "db seed --json --json --al"])
def test_what_will_be_refused_is_completed_meanwhile(shop: Sandbox, words: str) -> None:
    assert completed(shop, words) == ["--all"]


def test_a_broken_configuration_completes_what_it_can(shop: Sandbox) -> None:
    shop.write("myfy.toml", FILE + "pool_sise = 5\n")

    assert completed(shop, "ping ma") == ["main"]


def test_names_of_another_file_are_completed_where_config_names_it(shop: Sandbox) -> None:
    shop.write("other.toml", FILE.replace("analytics", "audit"))

    assert completed(shop, "ping --config other.toml au") == ["audit"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script_that_calls_the_command(run: Run, shell: str) -> None:
    done = run("completion", shell)

    assert done.code == 0
    assert f"_MYFY_DATA_COMPLETE={shell}_complete" in done.out
