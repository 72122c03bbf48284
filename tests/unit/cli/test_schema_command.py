"""`config schema`: print, write, compare."""

from __future__ import annotations

import json

import pytest

from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run


def test_it_prints_the_schema(run: Run) -> None:
    assert run("config", "schema").json["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_it_writes_the_schema_and_says_so(project: Sandbox, run: Run) -> None:
    result = run("config", "schema", "--output", "out/schema.json")

    assert result.out == "wrote out/schema.json\n"
    assert json.loads((project.path / "out/schema.json").read_text()) == run("config", "schema").json


def test_a_fresh_file_passes(run: Run) -> None:
    run("config", "schema", "--output", "s.json")

    assert run("config", "schema", "--output", "s.json", "--check").code == 0


@pytest.mark.parametrize("content", ["{}", None])
def test_a_stale_or_missing_file_fails_with_the_line_that_renews_it(
    project: Sandbox, run: Run, content: str | None
) -> None:
    if content is not None:
        project.write("s.json", content)

    result = run("config", "schema", "--output", "s.json", "--check")

    assert result.code == 1
    assert result.err.endswith("  fix: myfy-data config schema --output s.json\n")


def test_a_check_writes_nothing(project: Sandbox, run: Run) -> None:
    run("config", "schema", "--output", "s.json", "--check")

    assert not (project.path / "s.json").exists()


def test_the_file_beside_the_configuration_is_compared_by_default(
    project: Sandbox, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("config", "init")
    (project.path / "sub").mkdir()
    monkeypatch.chdir(project.path / "sub")

    assert run("config", "schema", "--check").code == 0


def test_it_needs_no_configuration_that_loads(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", "[data]\npool_size = 0\n")

    assert run("config", "schema").code == 0
