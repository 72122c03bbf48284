"""The schema and the loader give every sample the same verdict, and editors get plain words from it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.key_spec import KEY_SPEC, ROOT_KEYS
from myfy_data.settings.loader import inspect_settings
from myfy_data.settings.schema import url_patterns
from myfy_data.settings.schema.fields import Setting, profile_settings, root_settings, structure_settings
from myfy_data.settings.schema.json_schema import HAS_REFERENCE, REFERENCES, build_schema

SAMPLES = Path(__file__).parents[2] / "samples"
GOOD = sorted((SAMPLES / "good").iterdir())
BAD = sorted((SAMPLES / "bad").iterdir())
VARIABLES = {
    "DB_USER": "app",
    "DB_PASSWORD": "hidden",
    "TLS_WORD": "require",
    "DATABASE_URL": "postgresql://db.internal/main",
}

# Not among the samples, because JSON Schema cannot tell: `pool_size = 5.0` (to it 5.0 is the integer 5), `inf`,
# `nan`, and dates, which check-jsonschema turns into text before it looks.


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> set[Path]:
    """The samples that check-jsonschema refuses; one run for all."""
    schema = tmp_path_factory.mktemp("schema") / "schema.json"
    schema.write_text(json.dumps(build_schema()), encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "-o", "json", "--schemafile", str(schema)]
    run = subprocess.run([*command, *map(str, (*GOOD, *BAD))], capture_output=True, encoding="utf-8", check=False)
    report = json.loads(run.stdout)
    assert report["parse_errors"] == []
    return {Path(error["filename"]) for error in report["errors"]}


def name_of(sample: Path) -> str:
    return sample.name


def loader_problems(sample: Path) -> list[str]:
    return [str(problem) for problem in inspect_settings(LoadRequest(files=[sample], environ=VARIABLES)).problems]


@pytest.mark.parametrize("sample", GOOD, ids=name_of)
def test_the_loader_takes_what_is_good(sample: Path) -> None:
    assert loader_problems(sample) == []


@pytest.mark.parametrize("sample", BAD, ids=name_of)
def test_the_loader_refuses_what_is_bad(sample: Path) -> None:
    assert loader_problems(sample) != []


@pytest.mark.parametrize("sample", GOOD, ids=name_of)
def test_the_schema_takes_what_is_good(sample: Path, refused: set[Path]) -> None:
    assert sample not in refused


@pytest.mark.parametrize("sample", BAD, ids=name_of)
def test_the_schema_refuses_what_is_bad(sample: Path, refused: set[Path]) -> None:
    assert sample in refused


def test_there_are_samples_enough() -> None:
    assert len(GOOD) >= 20
    assert len(BAD) >= 40


def test_the_schema_is_one_by_its_own_draft() -> None:
    """As catalogues of schemas and strict editors judge it."""
    schema = build_schema()

    assert jsonschema.validators.validator_for(schema) is jsonschema.Draft7Validator
    jsonschema.Draft7Validator.check_schema(schema)


def test_the_schema_knows_every_key_and_no_other() -> None:
    data = build_schema()["properties"]["data"]["properties"]

    assert data.keys() == {*ROOT_KEYS, "profiles", *KEY_SPEC.profile, "unset"}


def test_every_key_has_a_title_and_a_meaning() -> None:
    silent = [
        key for key, schema in settings_in(build_schema()) if not (schema.get("title") and schema.get("description"))
    ]

    assert silent == []


def test_no_key_is_a_choice_between_itself_and_null() -> None:
    """`anyOf` makes editors say "not valid under any of the schemas" in place of the cause."""
    assert "anyOf" not in json.dumps(build_schema())


def test_every_setting_takes_a_reference() -> None:
    """A file is judged before interpolation, and then every value may still be text."""
    profile = build_schema()["definitions"]["profile"]["properties"]

    refusing = [
        key
        for key in KEY_SPEC.profile
        if "string" not in profile[key]["type"] or not re.search(profile[key].get("pattern", ""), "${NAME}")
    ]

    assert refusing == []


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("plain", True),
        ("a $ b $$ c", True),
        ("${NAME}", True),
        ("${NAME:-}", True),
        ("${NAME:-a b}", True),
        ("${NAME:?say it}", True),
        ("$${", True),
        ("$$${X", True),
        ("a$", True),
        ("${", False),
        ("${1A}", False),
        ("${A-B}", False),
        ("$${A} ${", False),
        ("a${B", False),
    ],
)
def test_the_schema_knows_a_whole_reference_from_half_a_one(text: str, whole: bool) -> None:
    assert bool(re.search(REFERENCES, text)) is whole


@pytest.mark.parametrize(("text", "has_one"), [("${A}", True), ("a ${A}", True), ("$${A}", False), ("A", False)])
def test_an_escaped_reference_is_none(text: str, has_one: bool) -> None:
    assert bool(re.search(HAS_REFERENCE, text)) is has_one


SCHEMES = ("postgresql", "postgres", "mysql+aiomysql", "mariadb", "oracle", "postgresql+psycopg")
PASSWORDS = st.none() | st.text("ab1$/?:&=%.-", max_size=6) | st.just("p@ss")


@st.composite
def server_urls(draw: st.DrawFn) -> str:
    """URLs as people write them, right and wrong."""
    user = draw(st.sampled_from([None, "app", "a%40b", "a$b"]))
    password = draw(PASSWORDS) if user is not None else None
    userinfo = "" if user is None else f"{user}@" if password is None else f"{user}:{password}@"
    host = draw(st.sampled_from(["", "db.internal", "127.0.0.1", "[::1]"]))
    port = draw(st.sampled_from(["", ":1", ":0", ":5432", ":65535", ":65536", ":70000", ":123456", ":x", ":54x"]))
    database = draw(st.sampled_from(["", "/", "/main", "/a/b", "/%2F"]))
    query = draw(
        st.sampled_from(
            ["", "?charset=utf8mb4", "?a=1&Password=b", "?x_token_file=y", "?sslmode=require", "?ssl=maybe"]
        )
    )
    return f"{draw(st.sampled_from(SCHEMES))}://{userinfo}{host}{port}{database}{query}"


SQLITE_URLS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["sqlite://", "sqlite+aiosqlite://", "sqlite:", "sqlite+pysqlite://"]),
    st.sampled_from(["", "/", "/:memory:", "/./app.db", "//var/app.db", "app.db", "/file:app.db", "localhost/app.db"]),
    st.sampled_from(["", "?cache=shared", "?key_token=1"]),
)


@given(server_urls() | SQLITE_URLS)
def test_the_patterns_for_urls_judge_as_the_loader_does(url: str) -> None:
    report = inspect_settings(LoadRequest(start="/", environ={}, overrides={"database_url": url}))

    assert taken_by_patterns(url) is (report.problems == ())


@given(server_urls())
def test_the_pattern_for_a_password_in_a_url_finds_it(url: str) -> None:
    """Only a URL that brings a password may not stand beside one."""
    if not taken_by_patterns(url):
        return
    report = inspect_settings(LoadRequest(start="/", environ={}, overrides={"database_url": url, "password": "x"}))

    assert bool(re.search(url_patterns.FULL_USERINFO, url)) is (report.problems != ())


def taken_by_patterns(url: str) -> bool:
    refused = any(re.search(pattern, url) for pattern in url_patterns.REFUSED.values())
    return bool(re.search(url_patterns.ADDRESS, url)) and not refused


def settings_in(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every setting of the schema, those of tables included."""
    profile = schema["definitions"]["profile"]["properties"]
    root = schema["properties"]["data"]["properties"]
    tables = [profile, profile["sqlite"]["properties"], profile["migrations"]["properties"]]
    yield from ((key, told) for table in tables for key, told in table.items())
    yield from ((key, told) for key, told in root.items() if "$ref" not in told)


# -- what editors show -------------------------------------------------------------------------------------------------


def rows_in_schema() -> list[tuple[Setting, dict[str, Any]]]:
    """Every setting with its node of the schema."""
    schema = build_schema()
    data, profile = schema["properties"]["data"], schema["definitions"]["profile"]
    found = []
    for settings, table in ((root_settings(), data), (profile_settings(), profile), (structure_settings(), profile)):
        for setting in settings:
            node = table
            for key in setting.key.split("."):
                node = node["properties"][key]
            found.append((setting, node))
    return found


def test_every_key_is_shown_with_title_meaning_default_unit_and_variable() -> None:
    for setting, node in rows_in_schema():
        for text in (node["description"], node["markdownDescription"].replace("`", "")):
            assert node["title"], setting.key
            assert text.replace("`", "").startswith(setting.meaning.replace("`", "")), setting.key
            assert (setting.default in text) if setting.default else ("No default" in text), setting.key
            assert setting.unit in text, setting.key
            assert setting.variable in text, setting.key
        if setting.default:
            assert node["default"] == json.loads(setting.default), setting.key


def test_a_setting_has_its_variable() -> None:
    without = {setting.key for setting, _ in rows_in_schema() if not setting.variable}

    assert without == {"extends", "abstract", "unset"}


def test_every_key_has_examples_that_the_schema_takes() -> None:
    schema = build_schema()
    for setting, node in rows_in_schema():
        assert node["examples"], setting.key
        for example in node["examples"]:
            jsonschema.validate(example, {**node, "definitions": schema["definitions"]})


def test_an_example_shows_more_than_its_type() -> None:
    empty = ({}, [], "", None)
    told = {setting.key: node["examples"] for setting, node in rows_in_schema()}

    assert [key for key, examples in told.items() if any(example in empty for example in examples)] == []
    assert told["slow"] == [{"statement": 0.5, "wait": 0.1}]


def test_the_texts_are_those_of_explain() -> None:
    setting, node = next(row for row in rows_in_schema() if row[0].key == "pool_size")

    assert node["description"] == (
        "Connections kept in the pool. Default: 5; unit: connections; variable: MYFY_DATA_POOL_SIZE."
    )
    assert setting.meaning == "Connections kept in the pool."
