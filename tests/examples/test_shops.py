"""The same shop on FastAPI, Starlette and Litestar, under uvicorn: what is answered is what is stored."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import httpx
import pytest

from tests.examples.serving import Served, served
from tests.pages import ROOT
from tests.sandbox import RUN_TIMEOUT, child_environment

SHOPS = ("fastapi", "starlette", "litestar")


@dataclass(frozen=True)
class Day:
    """One day of a shop: its answers in order, and what was left in the evening."""

    shop: Served
    answers: dict[str, httpx.Response]

    def answer(self, request: str) -> tuple[int, object]:
        response = self.answers[request]
        return response.status_code, response.json()


@pytest.fixture(scope="module", params=SHOPS)
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Day:
    with served(request.param, tmp_path_factory.mktemp("shop")) as shop:
        client = shop.client
        answers = {
            "restock": client.put("/items/apple", params={"left": 3}),
            "buy": client.post("/orders", params={"name": "apple", "quantity": 2}),
            "too many": client.post("/orders", params={"name": "apple", "quantity": 2}),
            "no such item": client.post("/orders", params={"name": "pear", "quantity": 1}),
            "export": client.get("/orders.csv"),
            "events": client.get("/events"),
        }
    return Day(shop, answers)


def test_an_order_is_stored(day: Day) -> None:
    assert day.answer("buy") == (201, {"order": 1})
    assert day.shop.rows("main.db", "SELECT id, item, quantity FROM orders") == [(1, "apple", 2)]


def test_an_order_that_is_refused_takes_nothing_from_the_stock(day: Day) -> None:
    assert day.answers["too many"].status_code == 409
    assert day.shop.rows("main.db", "SELECT name, left FROM items") == [("apple", 1)]


def test_an_exception_with_a_handler_of_the_application_is_answered_by_it(day: Day) -> None:
    assert day.answer("no such item") == (404, {"detail": "there is no such thing"})


def test_what_fails_leaves_nothing_in_the_second_database_either(day: Day) -> None:
    assert day.shop.rows("analytics.db", "SELECT what FROM events") == [("bought 2 apple",)]


def test_the_second_database_answers_by_itself(day: Day) -> None:
    assert day.answer("events") == (200, ["bought 2 apple"])


def test_a_background_task_stores_in_a_session_of_its_own(day: Day) -> None:
    assert day.shop.rows("main.db", "SELECT receipt_sent FROM orders") == [(1,)]


def test_a_stream_reads_in_a_session_of_its_own(day: Day) -> None:
    assert (day.answers["export"].status_code, day.answers["export"].text) == (200, "1,apple,2\n")


def test_the_server_logs_no_error(day: Day) -> None:
    assert [line for line in day.shop.log if not line.startswith("INFO")] == []


@pytest.mark.parametrize("name", ["models.py", "myfy.toml", "config/development.toml", "config/production.toml"])
def test_the_shops_differ_in_nothing_but_their_host(name: str) -> None:
    texts = {(ROOT / "examples" / shop / name).read_text(encoding="utf-8") for shop in SHOPS}

    assert len(texts) == 1


@pytest.mark.parametrize("example", ["fastapi", "myfy"])
def test_what_production_still_needs_are_its_passwords(example: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "myfy_data", "config", "check", "--environment", "production"],
        cwd=ROOT / "examples" / example,
        env=child_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_TIMEOUT,
        check=False,
    )

    assert done.returncode == 2
    assert "profiles.main.password: needs environment variable DB_PASSWORD" in done.stdout
    assert "password_file: the secret file /run/secrets/" in done.stdout
    assert ", 2 errors, " in done.stdout
