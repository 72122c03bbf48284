"""The seed's application on myfy, under uvicorn: users, and a transfer that stores all or nothing (S1, S6 to S9)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.examples.serving import Served, served
from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment

pytestmark = pytest.mark.myfy

IN_MEMORY = """
[data.profiles.main]
database_url = "sqlite://"

[data.profiles.audit]
database_url = "sqlite://"
"""


@dataclass(frozen=True)
class Day:
    """One day of the bank: its answers in order, and what was left in the evening."""

    bank: Served
    answers: dict[str, httpx.Response]

    def answer(self, request: str) -> tuple[int, object]:
        response = self.answers[request]
        return response.status_code, response.json()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    with served("myfy", tmp_path_factory.mktemp("bank"), "app:asgi") as bank:
        client = bank.client
        answers = {
            "create Ada": client.post("/users/Ada"),
            "create Bob": client.post("/users/Bob"),
            "get": client.get("/users/2"),
            "get nobody": client.get("/users/3"),
            "transfer": client.post("/transfers", json={"source": 1, "target": 2, "amount": 70}),
            "transfer too much": client.post("/transfers", json={"source": 1, "target": 2, "amount": 70}),
            "transfer to nobody": client.post("/transfers", json={"source": 2, "target": 3, "amount": 1}),
            "statement": client.get("/statement"),
        }
    return Day(bank, answers)


def test_a_user_is_found_again(day: Day) -> None:
    assert day.answer("get") == (200, {"id": 2, "name": "Bob"})


def test_a_user_that_is_not_there_is_404(day: Day) -> None:
    assert day.answers["get nobody"].status_code == 404


def test_what_comes_after_an_explicit_commit_is_stored_too(day: Day) -> None:
    assert day.answer("create Ada") == (200, {"id": 1})
    assert day.bank.rows("main.db", "SELECT users.name FROM users JOIN accounts ON accounts.owner = users.id") == [
        ("Ada",),
        ("Bob",),
    ]


def test_a_transfer_is_stored(day: Day) -> None:
    assert day.answer("transfer") == (200, {"moved": 70})
    assert day.bank.rows("main.db", "SELECT balance FROM accounts ORDER BY id") == [(30,), (170,)]


@pytest.mark.parametrize(("request_", "status"), [("transfer too much", 409), ("transfer to nobody", 500)])
def test_a_transfer_that_fails_leaves_nothing_in_either_database(day: Day, request_: str, status: int) -> None:
    assert day.answers[request_].status_code == status
    assert day.bank.rows("main.db", "SELECT balance FROM accounts ORDER BY id") == [(30,), (170,)]
    assert day.bank.rows("audit.db", "SELECT what FROM entries") == [("70 from 1 to 2",)]


def test_a_stream_reads_in_a_session_of_its_own(day: Day) -> None:
    assert (day.answers["statement"].status_code, day.answers["statement"].text) == (200, "1,30\n2,170\n")


def test_the_tests_that_the_documentation_shows_pass(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "examples" / "myfy", tmp_path / "bank", ignore=shutil.ignore_patterns("*.db*"))
    (folder / ".git").mkdir()
    (folder / "config" / "test.toml").write_text(IN_MEMORY, encoding="utf-8")
    shutil.copy(ROOT / "tests" / "examples" / "of_the_bank.py", folder / "test_app.py")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider"],
        cwd=folder,
        env=child_environment() | {"MYFY_DATA_ENVIRONMENT": "test"},
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
