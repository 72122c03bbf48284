"""`engine_options` that cannot be meant: a `ConfigError` with key and fix, whatever SQLAlchemy raises (C4, C16.3)."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.util import get_cls_kwargs

from myfy_data import ConfigError, DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.factory import open_engine
from myfy_data.engines.pool.pool import BoundedPool
from myfy_data.settings.validation.engine_options import option_faults
from tests.loading import MAIN, only_problem
from tests.sandbox import Sandbox

SQLITE, POSTGRESQL, MYSQL = "sqlite+aiosqlite:///x.db", "postgresql://app@127.0.0.1/d", "mysql://app@127.0.0.1/d"

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"server_side_cursors": True}, "cannot be set for every statement of an asynchronous engine"),
    ({"dialect": "x"}, "is ours to set"),
    ({"strategy": "mock"}, "is ours to set"),
    ({"insertmanyvalues_page_size": "many"}, "expected a whole number"),
    ({"insertmanyvalues_page_size": True}, "expected a whole number"),
    ({"query_cache_size": -1}, "expected a whole number"),
    ({"query_cache_size": 1.5}, "expected a whole number"),
    ({"pool_use_lifo": "x"}, "expected true or false"),
    ({"skip_autocommit_rollback": "no"}, "expected true or false"),
    ({"logging_name": 3}, "expected text"),
    ({"json_serializer": "json.dumps"}, "expected a function"),
    ({"plugins": ["x"]}, "SQLAlchemy refuses this value: NoSuchModuleError"),
    ({"compiler_linting": "x"}, "expected a whole number from 0 to 3"),
    ({"label_length": 20000}, "is more than a name may have"),
    ({"paramstyle": "x"}, "the driver takes"),
    ({"future": False}, "SQLAlchemy 2 takes only true"),
    ({"plugins": 5}, "expected a list of names"),
    ({"implicit_returning": "x"}, "expected true or false"),
    ({"convert_unicode": True}, "SQLAlchemy knows no engine option of this name"),
    ({"no_such_option": 1}, "SQLAlchemy knows no engine option of this name"),
]


class Unmakeable(BoundedPool):
    """A pool that only SQLAlchemy can tell is of no use."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise RuntimeError("CANARY-option")


@pytest.mark.parametrize("url", [SQLITE, POSTGRESQL, MYSQL])
@pytest.mark.parametrize(("options", "why"), REFUSED)
def test_an_option_that_cannot_be_meant_is_told_with_its_key(url: str, options: dict[str, Any], why: str) -> None:
    [key] = options

    with pytest.raises(ConfigError, match=rf"profiles\.main\.engine_options\.{key}: {why}.*\n  fix: ") as caught:
        open_engine("main", DatabaseSettings(database_url=url, engine_options=options))

    assert len(caught.value.problems) == 1


def test_every_option_that_sqlalchemy_refuses_is_told_at_once() -> None:
    options = {"query_cache_size": 5, "plugins": ["x"], "poolclass": Unmakeable}

    with pytest.raises(ConfigError) as caught:
        open_engine("main", DatabaseSettings(database_url=SQLITE, engine_options=options))

    assert [problem.key.rpartition(".")[2] for problem in caught.value.problems] == [
        "plugins",
        "poolclass",
    ]


def test_an_error_that_may_quote_a_value_is_told_by_its_kind() -> None:
    with pytest.raises(ConfigError, match="SQLAlchemy refuses this value: RuntimeError") as caught:
        open_engine("main", DatabaseSettings(database_url=SQLITE, engine_options={"poolclass": Unmakeable}))

    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"pool_use_lifo": True},
        {"insertmanyvalues_page_size": 2, "use_insertmanyvalues": True},
        {"query_cache_size": 0},
        {"logging_name": "main", "pool_logging_name": "main"},
        {"json_serializer": json.dumps, "json_deserializer": json.loads},
        {"server_side_cursors": False},
    ],
)
async def test_what_is_not_refused_works(tmp_path_factory: pytest.TempPathFactory, options: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("options") / "app.db"
    settings = DatabaseSettings(database_url=f"sqlite+aiosqlite:///{path}", engine_options=options)
    async with DataModule(settings=DataSettings(profiles={"main": settings})) as data, data.session() as session:
        assert await session.scalar(text("SELECT 1")) == 1


OF_OTHER_KEYS = frozenset({"dbapi", "events", "is_mariadb", "isolation_level", "pre_ping"})
"""What SQLAlchemy's own classes hand each other, or what has a key of its own in a profile."""


@pytest.mark.parametrize("backend", ["postgresql+asyncpg", "mysql+aiomysql", "sqlite+aiosqlite"])
def test_every_option_of_sqlalchemys_dialects_is_known(backend: str) -> None:
    """An option that a later SQLAlchemy brings is refused as unknown until it is looked at."""
    dialect = make_url(f"{backend}://").get_dialect()

    public = {key for key in get_cls_kwargs(dialect) if not key.startswith("_")}
    unknown = [
        key for key in public - OF_OTHER_KEYS for _ in option_faults({key: _like(key, dialect)}, _family(backend))
    ]

    assert unknown == []


def _family(backend: str) -> str:
    return backend.partition("+")[0]


def _like(key: str, dialect: Any) -> object:
    named = {"json_serializer": str, "json_deserializer": str, "server_side_cursors": False, "compiler_linting": 2}
    if key in named:
        return named[key]
    if key == "paramstyle":
        return dialect.default_paramstyle
    return 5 if key.endswith(("_size", "_length")) else True


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('dialect = "x"', "dialect: is ours to set"),
        (
            "pool_use_fifo = true",
            "pool_use_fifo: SQLAlchemy knows no engine option of this name. Did you mean 'pool_use_lifo'?",
        ),
        ('pool_use_lifo = "x"', "pool_use_lifo: expected true or false"),
        ('query_cache_size = "many"', "query_cache_size: expected a whole number"),
        ('poolclass = "NullPool"', "poolclass: must be sqlalchemy.NullPool"),
        ("server_side_cursors = true", "server_side_cursors: cannot be set for every statement"),
        ("pool_size = 5", "pool_size: has a key of its own"),
    ],
)
def test_config_check_refuses_what_the_engine_refuses_at_its_place(project: Sandbox, line: str, told: str) -> None:
    project.write("myfy.toml", f"{MAIN}[data.profiles.main.engine_options]\n{line}\n")

    problem = only_problem(environ={})

    assert problem.startswith(f"myfy.toml:4:1: profiles.main.engine_options.{told}")
    with pytest.raises(ConfigError, match=told.partition(":")[0]):
        open_engine("main", DatabaseSettings(database_url=SQLITE, engine_options=tomllib.loads(line)))
