"""The shop of examples/shop is an application of its own: its tests run as its user would, on each host by itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment
from tests.servers import POSTGRESQL, throw_away_database

HOSTS = [
    "fastapi",
    "starlette",
    "litestar",
    pytest.param("myfy", marks=pytest.mark.myfy),
]
MAIN = "MYFY_DATA_PROFILES__MAIN__DATABASE_URL"
ANALYTICS = "MYFY_DATA_PROFILES__ANALYTICS__DATABASE_URL"
OVERLAY = """
[data.profiles.main]
database_url = "{main}"

[data.profiles.analytics]
database_url = "{analytics}"
"""
IN_MEMORY = {MAIN: "sqlite://", ANALYTICS: "sqlite://"}
IN_FILES = {MAIN: "sqlite:///main.db", ANALYTICS: "sqlite:///analytics.db"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy, as its user would have it."""
    ignored = shutil.ignore_patterns("*.db*", "__pycache__", ".pytest_cache", ".myfy", ".gitignore")
    copy = shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop", ignore=ignored)
    (copy / ".git").mkdir()
    return copy


def run(shop: Path, variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=shop,
        env=child_environment() | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=2 * RUN_TIMEOUT,
        check=False,
    )


def passed(done: subprocess.CompletedProcess[str]) -> int:
    """How many tests passed; none may have failed or been skipped."""
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout
    found = re.fullmatch(r"(\d+) passed in .*", last)
    assert found, done.stdout
    return int(found[1])


@pytest.mark.parametrize("host", HOSTS)
def test_its_tests_pass_with_one_host_alone(shop: Path, host: str) -> None:
    for app in shop.glob("app_*.py"):
        if app.stem != f"app_{host}":
            app.unlink()

    assert passed(run(shop, IN_MEMORY, "-m", "pytest", "-q")) >= 10


@pytest.mark.postgresql
def test_its_tests_pass_on_postgresql(shop: Path) -> None:
    if sys.version_info < (3, 12):
        (shop / "app_myfy.py").unlink()
    with throw_away_database(POSTGRESQL) as main, throw_away_database(POSTGRESQL) as analytics:
        overlay = OVERLAY.format(main=main, analytics=analytics)
        (shop / "config" / "test.toml").write_text(overlay, encoding="utf-8")
        done = run(shop, {}, "-m", "pytest", "-q")

    assert passed(done) >= 20


def test_development_has_its_tables_and_first_rows(shop: Path) -> None:
    done = run(shop, IN_FILES, "-m", "myfy_data", "dev", "--", sys.executable, "-m", "shop.receipts")

    assert (done.returncode, done.stdout) == (0, "receipts sent: 0\n")
    assert "01-goods.toml: 3 inserted" in done.stderr


def test_its_models_and_its_revisions_agree(shop: Path) -> None:
    run(shop, IN_FILES, "-m", "myfy_data", "db", "upgrade", "--all")

    done = run(shop, IN_FILES, "-m", "myfy_data", "db", "check", "--all")

    assert (done.returncode, done.stdout.count("and the models agree")) == (0, 2)


def test_what_production_still_needs_are_its_passwords(shop: Path) -> None:
    done = run(shop, {}, "-m", "myfy_data", "config", "check", "--environment", "production")

    assert done.returncode == 2
    assert "profiles.main.password: needs environment variable DB_PASSWORD" in done.stdout
    assert "the secret file /run/secrets/dwh does not exist" in done.stdout
    assert ", 2 errors, 0 warnings" in done.stdout
