"""Contract C3.9: hostile input is refused in a moment and never crashes the process."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.loading import MAIN, only_problem, problems, report
from tests.sandbox import Sandbox

A_MOMENT = 10.0
"""Seconds of work, whatever else the machine does: far above what a refusal takes, far below what the attack would."""

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
MERGE_BOMB = "a0: &a0 {k0: 1}\n" + "".join(
    f"a{level}: &a{level}\n  <<: [{', '.join([f'*a{level - 1}'] * 10)}]\n  k{level}: 1\n" for level in range(1, 12)
)


@pytest.fixture(autouse=True)
def in_a_moment() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < A_MOMENT


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("myfy.toml", "a = " + "[" * 1_000_000, "more than 64 levels"),
        ("myfy.yaml", "a: " + "[" * 1_000_000, "more than 64 levels"),
        ("myfy.yaml", "a: " + "{a: " * 1_000_000, "more than 64 levels"),
        ("myfy.toml", "[" + "a." * 100_000 + "a]\n", "more than 64 levels"),
        ("myfy.toml", "a" + ".a" * 100_000 + " = 1\n", "more than 64 levels"),
        ("myfy.yaml", BOMB, "more than 200000 values"),
        ("myfy.yaml", MERGE_BOMB, ""),
        ("myfy.toml", "a = [" + "1," * 200_001 + "]\n", "more than 200000 values"),
        ("myfy.yaml", "a: [" + "1," * 200_001 + "]\n", "more than 200000 values"),
        ("myfy.toml", "# " + "x" * (4 * 1024 * 1024) + "\n", "is larger than 4194304 bytes"),
        ("myfy.yaml", "x: !!python/object/apply:os.system [touch pwned]\n", "tag"),
        ("myfy.toml", MAIN.replace("app@", "${A:-b}" * 500_000 + "@"), ""),  # work of the square took half an hour
        ("myfy.toml", f"a = {'9' * 100_000}\n", "too many digits"),
        ("myfy.yaml", f"data: {{pool_size: {'9' * 100_000}}}\n", "too many digits"),
    ],
)
def test_it_is_refused(project: Sandbox, name: str, text: str, told: str) -> None:
    project.write(name, text)

    found = report(environ={})

    assert told in "\n".join(map(str, found.problems))
    assert not (project.path / "pwned").exists()


@pytest.mark.parametrize(
    "text",
    [
        "[data]\n" + "".join(f"k{number} = 1\n" for number in range(5_000)),
        "".join(f"[data.profiles.P{number}]\n" for number in range(10_000)),
        "".join(f'[data.profiles.p{number}]\npool_size = "x"\n' for number in range(5_000)),
        "".join(f'[data.profiles.p{number}]\nextends = "q{number}"\n' for number in range(5_000)),
    ],
    ids=["unknown keys", "bad names", "wrong types and no address", "unknown parents"],
)
def test_more_mistakes_than_anybody_reads_are_cut(project: Sandbox, text: str) -> None:
    project.write("myfy.toml", text)

    told = problems(environ={})

    assert len(told) == 101
    assert told[-1].startswith("there may be more; these come first")


def test_many_unknown_variables_are_cut(project: Sandbox) -> None:
    told = problems(environ={f"MYFY_DATA_K{number}": "1" for number in range(20_000)})

    assert len(told) == 101


def test_a_chain_of_a_thousand_heirs_is_refused(project: Sandbox) -> None:
    chain = "".join(f'[data.profiles.p{number}]\nextends = "p{number + 1}"\n' for number in range(1000))
    project.write("myfy.toml", chain + MAIN.replace("main]", "p1000]"))

    assert any("more than 16 profiles extend each other" in told for told in problems(environ={}))


@pytest.mark.parametrize(
    "value", ["sqlite:///a\\u0000b", "sqlite:///~nobody-has-this-name/x.db", "postgresql://[::1/x", "://", "x://y:z@"]
)
def test_an_odd_address_is_no_crash(project: Sandbox, value: str) -> None:
    project.write("myfy.toml", f'[data]\ndatabase_url = "{value}"\ntls_ca = "~nobody-has-this-name/ca"\n')

    found = report(environ={})

    assert found.problems or found.settings is not None


def test_a_path_with_a_nul_is_refused(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndatabase_url = "sqlite:///a\\u0000b"\n')

    assert "a path cannot hold a NUL character" in only_problem(environ={})


def test_a_thousand_profiles_load(project: Sandbox) -> None:
    project.write("myfy.toml", "".join(MAIN.replace("main]", f"p{number}]") for number in range(1000)))

    settings = project.load(environ={"MYFY_DATA_PROFILES__P999__POOL_SIZE": "7"})

    assert (len(settings.profiles), settings.profiles["p999"].pool_size) == (1000, 7)
