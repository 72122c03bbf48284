"""The repository keeps what its own documents say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import myfy_data

ROOT = Path(__file__).parents[2]
PACKAGE = Path(myfy_data.__file__).parent
"""The installed package, which need not be beside the tests."""
TARGET = re.compile(r"^([a-z-]+(?: [a-z-]+)*):(?!=)", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def make_targets() -> set[str]:
    return {target for names in TARGET.findall(read("Makefile")) for target in names.split()}


def requirements() -> list[Requirement]:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    return [Requirement(text) for text in [*project["dependencies"], *extras]]


def targets_named_in(text: str) -> set[str]:
    in_code = re.findall(r"`{1,3}(?:sh\n)?([^`]*)`", text)
    return {target for code in in_code for target in re.findall(r"^\s*make ([a-z-]+)", code, re.MULTILINE)}


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "README.md"])
def test_every_make_command_in_a_document_exists(document: str) -> None:
    named = targets_named_in(read(document))

    assert named
    assert named <= make_targets()


def test_every_make_target_is_phony() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", read("Makefile"), re.MULTILINE)

    assert phony is not None
    assert set(phony[1].split()) == make_targets()


def test_the_commit_hooks_are_the_static_checks_of_ci() -> None:
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    static = re.search(r"^static: ([a-z -]+?) ##", read("Makefile"), re.MULTILINE)

    assert static is not None
    assert [hook["entry"] for hook in hooks] == [f"make {target}" for target in static[1].split()]


def test_ci_runs_the_static_checks() -> None:
    assert re.search(r"make .* static$", read(".ci/step"), re.MULTILINE)


def test_every_dependency_has_a_lower_bound() -> None:
    loose = [
        requirement.name
        for requirement in requirements()
        if requirement.name != "myfy-data" and not any(clause.operator == ">=" for clause in requirement.specifier)
    ]

    assert loose == []


def test_no_ignore_stands_without_its_reason() -> None:
    folders = ("myfy_data", "myfy", "tests", "scripts", ".ci", "examples", "benchmarks")
    bare = re.compile(r"#\s*(noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[a-z-, ]+\])?)\s*$", re.MULTILINE)

    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for match in bare.finditer(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_the_package_and_its_metadata_agree_on_the_version() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]

    assert myfy_data.__version__ == project["version"]


def test_every_place_that_agents_are_sent_to_exists() -> None:
    named = re.findall(r"`([a-z_]+/[\w./-]*)`", read("AGENTS.md"))

    assert named
    assert [name for name in named if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []
