"""What each key asks of a running application when it changes (contract C12.5)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.pool import AsyncAdaptedQueuePool

from myfy_data import DatabaseSettings, DataSettings
from myfy_data.reload.plan import ReloadPlan, plan_reload
from myfy_data.reload.report import ReloadReport, report_of

URL = "postgresql+asyncpg://app@db/shop"


def profile(**keys: Any) -> DatabaseSettings:
    return DatabaseSettings(**{"database_url": URL, **keys})


def plan(before: dict[str, Any], found: dict[str, Any], *, migrates: bool = False) -> ReloadPlan:
    settings = [DataSettings(profiles={"main": profile(**keys)}) for keys in (before, found)]
    return plan_reload(*settings, migrates=migrates)


def report(before: dict[str, Any], found: dict[str, Any], *, migrates: bool = False) -> ReloadReport:
    return report_of(plan(before, found, migrates=migrates))


LIVE = [
    *({key: 7.5} for key in ("pool_timeout", "connect_timeout", "command_timeout", "statement_timeout")),
    *({key: 7.5} for key in ("close_timeout", "pool_pre_ping_idle", "pool_leak_detection_threshold")),
    *({key: 7} for key in ("pool_size", "max_overflow", "pool_recycle")),
    *({key: True} for key in ("echo", "required", "warm_up")),
    {"pool_pre_ping": False},
]

SWAP = [
    {"database_url": "postgresql+asyncpg://app@elsewhere/shop"},
    *({key: "other"} for key in ("username", "password", "database", "host", "application_name")),
    {"port": 6000},
    {"hosts": ["a", "b"]},
    {"tls": "disable"},
    {"isolation_level": "SERIALIZABLE"},
    {"connect_args": {"server_settings": {"jit": "off"}}},
    {"engine_options": {"pool_use_lifo": True}},
    {"execution_options": {"a": 1}},
    {"pooler": "pgbouncer"},
    {"read_only": True},
    {"credentials": "app.auth:token"},
]


@pytest.mark.parametrize("keys", LIVE, ids=str)
def test_what_is_asked_for_at_each_use_is_live(keys: dict[str, Any]) -> None:
    assert report({}, keys) == ReloadReport(tuple(f"profiles.main.{key}" for key in keys), (), ())


@pytest.mark.parametrize("keys", SWAP, ids=str)
def test_what_a_connection_is_made_of_swaps_the_engine(keys: dict[str, Any]) -> None:
    assert report({}, keys) == ReloadReport((), ("main",), ())


@pytest.mark.parametrize(
    ("table", "key"),
    [("slow", "statement"), ("reads", "max_lag"), ("reads", "pool_size"), ("cluster", "heartbeat")],
)
def test_a_key_of_a_table_is_told_by_its_own_path(table: str, key: str) -> None:
    assert report({}, {table: {key: 7}}).applied == (f"profiles.main.{table}.{key}",)


@pytest.mark.parametrize(
    "keys", [{"reads": {"hosts": ["r1"]}}, {"sqlite": {"synchronous": "full"}}], ids=["readers", "sqlite"]
)
def test_other_servers_and_what_sqlite_is_told_swap_the_engine(keys: dict[str, Any]) -> None:
    assert report({}, keys).swapped == ("main",)


def test_readers_come_and_go_where_there_are_several_servers_already() -> None:
    several = {"hosts": ["a", "b"]}

    assert report(several, {**several, "reads": {"hosts": ["r1"]}}).applied == ("profiles.main.reads.hosts",)
    assert report(several, {"hosts": ["a", "c"]}).swapped == ("main",)


def test_a_pool_of_the_users_is_built_anew() -> None:
    own = {"engine_options": {"poolclass": AsyncAdaptedQueuePool}}

    assert report(own, {**own, "pool_size": 7}) == ReloadReport((), ("main",), ())


def test_migrations_wait_for_a_restart_where_a_start_runs_them() -> None:
    changed = {"migrations": {"version_table": "other"}}

    waits = plan({}, changed, migrates=True)

    assert report_of(waits).restart_needed == ("profiles.main.migrations.version_table",)
    assert waits.settings.profiles["main"].migrations.version_table == "alembic_version"
    assert report({}, changed).applied == ("profiles.main.migrations.version_table",)


def test_a_database_in_memory_is_not_exchanged_for_an_empty_one() -> None:
    memory = {"database_url": "sqlite://"}

    waits = plan(memory, {**memory, "sqlite": {"foreign_keys": False}, "pool_timeout": 7.0})

    assert report_of(waits) == ReloadReport(("profiles.main.pool_timeout",), (), ("profiles.main.sqlite.foreign_keys",))
    assert waits.settings.profiles["main"].sqlite.foreign_keys is True
    assert waits.settings.profiles["main"].pool_timeout == 7.0


def test_what_is_known_at_the_start_alone_is_told_and_stays() -> None:
    before = DataSettings(default="main", environment="development", profiles={"main": profile(), "other": profile()})
    found = before.model_copy(update={"default": "other", "environment": "production"})

    waits = plan_reload(before, found, migrates=False)

    assert report_of(waits) == ReloadReport((), (), ("default", "environment"))
    assert (waits.settings.default, waits.settings.environment) == ("main", "development")


def test_what_makes_it_reload_waits_for_a_restart_and_capacity_does_not() -> None:
    before = DataSettings(profiles={"main": profile()})
    found = DataSettings(profiles={"main": profile()}, reload={"watch": True}, capacity={"instances": 3})

    assert report_of(plan_reload(before, found, migrates=False)) == ReloadReport(
        ("capacity.instances",), (), ("reload.watch",)
    )


def test_profiles_appear_and_vanish_by_their_declaration_and_by_active() -> None:
    before = DataSettings(
        profiles={"main": profile(), "goes": profile(), "sleeps": profile(), "wakes": profile(active=False)}
    )
    found = DataSettings(
        profiles={"main": profile(), "comes": profile(), "sleeps": profile(active=False), "wakes": profile()}
    )

    changed = plan_reload(before, found, migrates=False)

    assert set(changed.appeared) == {"comes", "wakes"}
    assert set(changed.vanished) == {"goes", "sleeps"}
    assert set(report_of(changed).applied) == {f"profiles.{name}" for name in ("comes", "wakes", "goes", "sleeps")}


def test_nothing_is_told_where_nothing_has_changed() -> None:
    assert report({}, {}).is_empty
