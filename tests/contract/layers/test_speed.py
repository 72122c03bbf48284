"""Contract C3.13: what loading costs and leaves unimported; `benchmarks/config_load.py` measures it closely."""

from __future__ import annotations

import cProfile
import pstats
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from myfy_data import ConfigError
from tests.sandbox import Sandbox

CALLS_PER_PROFILE = 125
"""Function calls that one more profile may cost; a machine's load does not change them, as it does seconds."""


def profile(number: int) -> dict[str, Any]:
    return {
        "database_url": f"postgresql+asyncpg://app{number}@db{number}.internal/main",
        "password": f"secret{number}",
        "pool_size": number + 1,
        "max_overflow": 10,
        "pool_timeout": 30.0,
        "pool_recycle": 1800,
        "pool_pre_ping": True,
        "echo": False,
        "hide_parameters": True,
        "isolation_level": "READ COMMITTED",
        "read_only": False,
        "connect_timeout": 5.0,
        "command_timeout": 30.0,
        "application_name": "app",
        "connect_args": {"timeout": 5, "cache": 10},
    }


def toml(number: int) -> str:
    lines = [f"[data.profiles.p{number}]"]
    for key, value in profile(number).items():
        text = str(value).lower() if isinstance(value, bool) else repr(value)
        lines.append(f"{key} = {text}" if not isinstance(value, dict) else f"{key} = {{ timeout = 5, cache = 10 }}")
    return "\n".join(lines)


def calls_for(project: Sandbox, profiles: int) -> int:
    """How many functions a load of so many profiles calls."""
    project.write("myfy.toml", '[data]\ndefault = "p0"\n' + "\n".join(toml(number) for number in range(profiles)))
    project.load(environ={})  # the first load imports
    profiler = cProfile.Profile()
    profiler.runcall(project.load, environ={})
    return int(pstats.Stats(profiler).total_calls)  # type: ignore[attr-defined]  # typeshed does not know it


def test_one_more_profile_costs_few_calls(project: Sandbox) -> None:
    """Whether the bounds of C3.13 hold is for `benchmarks/config_load.py` to show: no test looks at a clock."""
    assert (calls_for(project, 220) - calls_for(project, 20)) / 200 <= CALLS_PER_PROFILE


IMPORTED = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
ALWAYS_LEFT = {"sqlalchemy", "asyncpg", "aiomysql", "aiosqlite", "alembic", "click", "rich", "myfy"}


def imported_after(project: Sandbox, code: str) -> set[str]:
    run = project.python("-c", f"{code}; {IMPORTED}")
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_else(project: Sandbox) -> None:
    names = imported_after(project, "import myfy_data")

    assert names.isdisjoint({*ALWAYS_LEFT, "pydantic", "pydantic_settings", "yaml", "tomli"})


def test_loading_toml_leaves_databases_and_yaml_unimported(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "postgresql://db/x"\npassword = "${P:-x}"\n')

    names = imported_after(project, "from myfy_data import load_settings; load_settings().origin('password')")

    assert names.isdisjoint({*ALWAYS_LEFT, "yaml"})


def test_loading_yaml_leaves_databases_unimported(project: Sandbox) -> None:
    project.write("myfy.yaml", "data: {database_url: 'postgresql://db/x'}\n")

    names = imported_after(project, "from myfy_data import load_settings; load_settings()")

    assert names.isdisjoint(ALWAYS_LEFT)
    assert "yaml" in names


# -- references --------------------------------------------------------------------------------------------------------


class Work:
    """Counts the calls of functions in a block, in Python and in C, and the bytes that it allocates in between."""

    def __init__(self) -> None:
        self.calls = self.allocated = 0
        self._before = 0

    def __enter__(self) -> Work:
        tracemalloc.start()
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        tracemalloc.stop()

    def _note(self, _frame: object, event: str, _argument: object) -> None:
        self.calls += event in ("call", "c_call")
        now, peak = tracemalloc.get_traced_memory()
        self.allocated += max(peak - self._before, 0)  # what is freed at once was work, too
        tracemalloc.reset_peak()
        self._before = now


def work_for(project: Sandbox, line: str, environ: dict[str, str]) -> Work:
    project.write("myfy.toml", f"[data.profiles.main]\n{line}\n")
    with Work() as work, suppress(ConfigError):
        project.load(environ=environ)
    return work


def user(text: str) -> str:
    return f'database_url = "postgresql://{text}@h/x"'


def value(key: str, text: str) -> str:
    return f'database_url = "sqlite:///x.db"\n{key} = {text}'


TEXTS: dict[str, Callable[[int], str]] = {
    "in the user of a URL": lambda count: user("${A:-b}" * count),
    "in its password": lambda count: user("u:" + "${B}x" * count),
    "in a text": lambda count: value("application_name", repr("${B}" * count)),
    "escaped": lambda count: value("application_name", repr("$${B}" * count)),
    "in a list": lambda count: value("connect_args", f"{{ x = {['${B}'] * count} }}"),
    "without a text": lambda count: value("application_name", repr("".join(f"${{C{n}}}" for n in range(count)))),
    "never closed, at the end": lambda count: value("application_name", repr("${B}" * count + "${")),
    "of the wrong type": lambda count: value("pool_size", repr("${B}" * count)),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_twice_as_many_references_are_twice_the_work(project: Sandbox, kind: str) -> None:
    """Joined anew for each reference, or scanned again behind it, they took minutes (contract C3.9)."""
    environ = {"B": "v"}
    work_for(project, TEXTS[kind](10), environ)  # the first load imports

    few, many = (work_for(project, TEXTS[kind](count), environ) for count in (2_000, 4_000))

    assert many.calls <= 2.2 * few.calls
    assert many.allocated <= 2.2 * few.allocated
