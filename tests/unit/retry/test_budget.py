"""Repetitions for a server in trouble are earned by units of work that end well."""

from __future__ import annotations

from myfy_data import DatabaseSettings, DataModule, DataSettings
from myfy_data.retry.budget import FULL, RetryBudget, budget_of


def module() -> DataModule:
    profiles = {name: DatabaseSettings(database_url="sqlite://") for name in ("a", "b")}
    return DataModule("a", settings=DataSettings(profiles=profiles))


def test_a_budget_is_spent_to_its_end() -> None:
    budget = RetryBudget()

    assert [budget.spend() for _ in range(int(FULL) + 2)] == [True] * int(FULL) + [False, False]


def test_ten_good_units_of_work_earn_one_repetition() -> None:
    budget = RetryBudget()
    budget.left = 0.0

    for _ in range(9):
        budget.earn()
    nine = budget.spend()
    budget.earn()
    budget.earn()

    assert (nine, budget.spend(), budget.spend()) == (False, True, False)


def test_a_budget_does_not_grow_beyond_its_beginning() -> None:
    budget = RetryBudget()

    budget.earn()

    assert budget.left == FULL


def test_each_profile_has_its_own() -> None:
    data = module()

    assert budget_of(data.get_session_factory("a")) is budget_of(data.get_session_factory())
    assert budget_of(data.get_session_factory("a")) is not budget_of(data.get_session_factory("b"))
