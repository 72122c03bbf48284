"""What `config check` accepts, the engine accepts, and no fix asks for less than was asked for (contract C16.3)."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import ssl
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import aiomysql
import pytest
from asyncpg import connect_utils
from hypothesis import given, settings
from hypothesis import strategies as st
from pymysql.charset import charset_by_name

from myfy_data import ConfigError, DatabaseSettings, DataModule
from myfy_data.engines.factory import open_engine_handle
from myfy_data.errors import Problem
from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.loader import inspect_settings
from myfy_data.settings.validation.driver_options import CHARSETS, OPTIONS
from tests.contract.other_packages.provider_urls import STRENGTH, URLS, ProviderURL
from tests.contract.other_packages.refused_lines import MYSQL, NEEDS_A_CONTEXT, POSTGRESQL, REFUSED, SQLITE
from tests.pasting import CannotPasteError, paste
from tests.sandbox import Sandbox

HEADER = "[data.profiles.main]\n"
NAME = "MYFY_DATA_PROFILES__DEFAULT__"
BELOW = "\n       "
TAKEN = "take connection_limit out of the URL, and write these:"


def checked(**request: Any) -> tuple[Problem, ...]:
    """The problems that `config check` prints."""
    return inspect_settings(LoadRequest(environ={}, **request), files=True).problems


def refusal(profile: DatabaseSettings) -> ConfigError | None:
    """Why no engine can be made; what is made, its driver takes by its own signature.

    Whatever else is raised, here or by the driver, fails the test.
    """
    try:
        opened = open_engine_handle("main", profile)
    except ConfigError as error:
        return error
    give_to_driver(profile.url.backend, {**opened.backend.arguments})
    return None


def give_to_driver(backend: str, arguments: dict[str, Any]) -> None:
    """Hand the arguments of a connection to the driver, as far as it goes without a server."""
    if backend == "sqlite":
        sqlite3.connect(":memory:", **arguments).close()
    elif backend == "mysql":

        async def make() -> None:
            aiomysql.Connection(**arguments)

        asyncio.run(make())
    else:
        caches = {"statement_cache_size": 100, "max_cached_statement_lifetime": 300, "max_cacheable_statement_size": 0}
        names = "dsn passfile service servicefile password server_settings direct_tls krbsrvname gsslib"
        others = dict.fromkeys([*names.split(), "target_session_attrs"])
        given = {key: value for key, value in arguments.items() if key not in ("timeout", *CLASSES)}
        connect_utils._parse_connect_arguments(**{**others, **caches, **given})


CLASSES = ("connection_class", "record_class")


def mended(project: Sandbox, text: str) -> str:
    """The file after every printed fix was followed, the lowest line first, until nothing is printed any more."""
    found: tuple[Problem, ...] = ()
    for _ in range(12):
        project.write("myfy.toml", text)
        found = checked()
        if not found:
            return text
        problem = found[-1]
        line = int(problem.place.split(":")[1])
        before = text
        text = paste(text, problem.fix, line)
        assert text != before, problem
    raise AssertionError(f"no fix ends it:\n{text}\n{found}")


# -- URLs of hosted databases ----------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", URLS.values(), ids=URLS)
def test_check_and_engine_judge_the_url_of_a_provider_alike(project: Sandbox, provider: ProviderURL) -> None:
    project.write("myfy.toml", f"{HEADER}database_url = {json.dumps(provider.url)}\n")
    found = checked()

    error = refusal(DatabaseSettings(database_url=provider.url))

    assert {problem.message for problem in found} == {problem.message for problem in (error.problems if error else ())}
    assert all(problem.place.startswith("myfy.toml:2:1") for problem in found)


@pytest.mark.parametrize("provider", URLS.values(), ids=URLS)
def test_following_the_fixes_keeps_what_the_url_asks_for(project: Sandbox, provider: ProviderURL) -> None:
    project.write("ca.pem", AUTHORITY)

    mended(project, f"{HEADER}database_url = {json.dumps(provider.url)}\n")

    profile = project.load(environ={}).profile()
    assert refusal(profile) is None
    assert STRENGTH.index(profile.tls_mode) >= STRENGTH.index(provider.tls)
    assert {key: getattr(profile, key) for key in provider.says} == provider.says


def test_twelve_providers_are_among_them() -> None:
    names = ("neon", "supabase", "heroku", "render", "railway", "planetscale", "tidb", "aws rds", "aws aurora")
    more = ("google cloud sql", "azure", "digitalocean", "aiven", "cockroachdb")

    assert [name for name in (*names, *more) if not any(key.startswith(name) for key in URLS)] == []


_CONTEXT = ssl.create_default_context()
AUTHORITY = ssl.DER_cert_to_PEM_cert(_CONTEXT.get_ca_certs(binary_form=True)[0]) if _CONTEXT.get_ca_certs() else ""


# -- what a file says beside the URL ---------------------------------------------------------------------------


@pytest.mark.parametrize(("url", "line", "key", "fix"), REFUSED)
def test_what_the_engine_refuses_is_told_at_its_place(
    project: Sandbox, url: str, line: str, key: str, fix: str
) -> None:
    project.write("myfy.toml", f"{HEADER}database_url = {json.dumps(url)}\n{line}\n")
    project.write("ca.pem", AUTHORITY)

    [problem] = checked()

    assert problem.place.startswith("myfy.toml:3:" if line else "myfy.toml:2:")
    assert problem.key == f"profiles.main.{key}"
    assert fix in problem.fix


@pytest.mark.parametrize(("url", "line", "key", "fix"), REFUSED)
def test_the_engine_says_the_same(url: str, line: str, key: str, fix: str) -> None:
    error = refusal(DatabaseSettings(database_url=url, **tomllib.loads(line)))

    assert error is not None
    assert [problem.key for problem in error.problems] == [f"profiles.main.{key}"]
    assert fix.removeprefix("delete this line") in error.problems[0].fix


@pytest.mark.parametrize(("url", "line", "key", "fix"), REFUSED)
def test_following_the_fix_mends_the_file(project: Sandbox, url: str, line: str, key: str, fix: str) -> None:
    project.write("ca.pem", AUTHORITY)
    text = f"{HEADER}database_url = {json.dumps(url)}\n{line}\n"

    mended(project, text)

    assert refusal(project.load(environ={}).profile()) is None, (key, fix)


@pytest.mark.parametrize(("option", "message"), NEEDS_A_CONTEXT.items())
def test_what_no_key_says_is_given_in_code_as_the_fix_says(project: Sandbox, option: str, message: str) -> None:
    project.write("myfy.toml", f'{HEADER}database_url = "{POSTGRESQL}?{option}"\n')
    [problem] = checked()
    found = re.fullmatch(r"give an ssl\.SSLContext of your own in code: connect_args=(\{.*\})", problem.fix)
    assert message in problem.message
    assert found, problem.fix

    arguments = eval(found[1], {"context": _CONTEXT})

    profile = DatabaseSettings(database_url=POSTGRESQL, connect_args=arguments)
    assert (refusal(profile), profile.connect_args["ssl"]) == (None, _CONTEXT)


def test_advice_in_words_is_no_fix_that_is_pasted() -> None:
    with pytest.raises(CannotPasteError):
        paste(HEADER, "ask somebody")


# -- start-up, commands, other sources -------------------------------------------------------------------------


async def test_a_module_refuses_at_its_start_and_names_the_place(project: Sandbox) -> None:
    project.write(
        "myfy.toml", f'{HEADER}database_url = "{SQLITE}"\n[data.profiles.other]\ndatabase_url = "{MYSQL}?tls=1"\n'
    )
    data = DataModule("main")

    with pytest.raises(
        ConfigError, match=r"myfy\.toml:4:1: profiles\.other\.database_url: tls is no option of aiomysql"
    ):
        await data.start()


def test_a_profile_that_is_not_active_stops_nobody(project: Sandbox) -> None:
    other = f'[data.profiles.other]\nactive = false\ndatabase_url = "{MYSQL}?tls=1"\n'
    project.write("myfy.toml", f'{HEADER}database_url = "{SQLITE}"\n{other}')

    assert DataModule("main").get_engine() is not None


@pytest.mark.parametrize("command", [("ping",), ("db", "current")])
def test_a_command_that_connects_says_what_check_says(project: Sandbox, command: tuple[str, ...]) -> None:
    project.write("myfy.toml", f'{HEADER}database_url = "{POSTGRESQL}?channel_binding=require"\n')

    check, other = project.run("config", "check"), project.run(*command)

    told = "myfy.toml:2:1: profiles.main.database_url: channel_binding is no option of asyncpg"
    assert (check.returncode, other.returncode) == (2, 2)
    assert told in check.stdout + check.stderr
    assert told in other.stdout + other.stderr


@pytest.mark.parametrize(
    ("variables", "place", "fix"),
    [
        (
            {"MYFY_DATA_DATABASE_URL": f"{POSTGRESQL}?connection_limit=3"},
            "env MYFY_DATA_DATABASE_URL",
            TAKEN + BELOW.join(["", f"{NAME}POOL_SIZE=3", f"{NAME}MAX_OVERFLOW=0"]),
        ),
        (
            {"MYFY_DATA_DATABASE_URL": f"{POSTGRESQL}?schema=app"},
            "env MYFY_DATA_DATABASE_URL",
            f"take schema out of the URL, and write: {NAME}CONNECT_ARGS__SERVER_SETTINGS__SEARCH_PATH='\"app\"'",
        ),
        (
            {"MYFY_DATA_DATABASE_URL": POSTGRESQL, "MYFY_DATA_TLS_CA": "ca.pem"},
            "env MYFY_DATA_TLS_CA",
            f"{NAME}TLS=verify-full",
        ),
        (
            {"MYFY_DATA_DATABASE_URL": POSTGRESQL, "MYFY_DATA_CONNECT_ARGS__TIMEOUT": "5"},
            "env MYFY_DATA_CONNECT_ARGS__TIMEOUT",
            f"unset MYFY_DATA_CONNECT_ARGS__TIMEOUT, and write: {NAME}CONNECT_TIMEOUT=5.0",
        ),
    ],
)
def test_a_variable_is_mended_by_variables(project: Sandbox, variables: dict[str, str], place: str, fix: str) -> None:
    project.write("ca.pem", AUTHORITY)
    [problem] = inspect_settings(LoadRequest(environ=variables), files=True).problems

    assert (problem.place, problem.fix) == (place, fix)


def test_what_fix_says_in_variables_is_taken(project: Sandbox) -> None:
    name = f"{NAME}CONNECT_ARGS__SERVER_SETTINGS__SEARCH_PATH"

    profile = project.load(environ={"MYFY_DATA_DATABASE_URL": POSTGRESQL, name: '"app"'}).profile()

    assert profile.connect_args == {"server_settings": {"search_path": "app"}}


def test_a_yaml_file_is_mended_in_yaml(project: Sandbox) -> None:
    project.write("myfy.yaml", f'data:\n  profiles:\n    main:\n      database_url: "{POSTGRESQL}?schema=app"\n')

    [problem] = checked()

    assert problem.fix.endswith('and write: connect_args: {server_settings: {search_path: "app"}}')


def test_a_secret_of_an_option_is_not_repeated(project: Sandbox) -> None:
    project.write("myfy.toml", f'{HEADER}database_url = "{POSTGRESQL}"\nconnect_args = {{ password = "c4nary" }}\n')

    [problem] = checked()

    assert problem.fix == "move it out of connect_args, as password"
    assert "c4nary" not in str(problem)


@pytest.mark.parametrize(
    ("line", "unset"),
    [
        ('tls = "require"', "tls"),
        ('isolation_level = "READ COMMITTED"', "isolation_level"),
        ("connect_args = { statement_cache_size = 5 }", "connect_args.statement_cache_size"),
    ],
)
def test_what_an_heir_cannot_have_is_not_taken_from_its_parent(project: Sandbox, line: str, unset: str) -> None:
    parent = f'[data.profiles.base]\ndatabase_url = "{POSTGRESQL}"\n{line}\n'
    heir = f'[data.profiles.main]\nextends = "base"\ndatabase_url = "{SQLITE}"\n'
    project.write("myfy.toml", f'data.default = "main"\n{parent}{heir}')
    [problem] = checked()

    assert problem.place.startswith("myfy.toml:4:")
    assert problem.fix == f'in profile main: unset = ["{unset}"]'

    project.write("myfy.toml", f'data.default = "main"\n{parent}{heir}{problem.fix.partition(": ")[2]}\n')
    assert checked() == ()


def test_a_key_file_in_the_url_is_sent_to_its_key(project: Sandbox) -> None:
    project.write("myfy.toml", f'{HEADER}database_url = "{POSTGRESQL}?sslcert=a.crt&sslkey=a.key"\n')

    [problem] = checked()

    assert problem.fix == "take sslkey out of the query and give the file as `tls_key`, beside `tls_cert`"


def test_a_plugin_that_nobody_brings_is_told_before_sqlalchemy_is_there(project: Sandbox) -> None:
    project.write("myfy.toml", f'{HEADER}database_url = "{SQLITE}"\nengine_options = {{ plugins = ["absent"] }}\n')

    run = project.run("config", "check")

    assert run.returncode == 2
    assert "no package that is installed brings the plugin 'absent'" in run.stdout + run.stderr


# -- any profile -----------------------------------------------------------------------------------------------

_TEXT = st.sampled_from(["", "x", "true", "5", "require", "verify-full", "off", "utf8mb4", "primary", "ca.pem"])
_ANY = st.one_of(
    _TEXT, st.booleans(), st.integers(-3, 3), st.just(2**40), st.just(1.5), st.dates(), st.lists(_TEXT, max_size=2),
    st.dictionaries(_TEXT, _TEXT | st.integers(0, 2), max_size=2),
)  # fmt: skip
_FOREIGN = (
    "sslmode ssl-mode channel_binding timeout connection_limit pgbouncer schema options x useSSL ssl_ca user pool_size"
    " echo prepareThreshold mode sslnegotiation isolation_level sslrootcert database statement_timeout"
)
_NAMES = st.sampled_from([*sorted({name for options in OPTIONS.values() for name in options}), *_FOREIGN.split()])
# Not `plugins`, which only SQLAlchemy can look up.
_OF_THE_ENGINE = (
    "query_cache_size pool_use_lifo paramstyle future compiler_linting native_datetime logging_name native_inet_types x"
    " json_serializer poolclass server_side_cursors pool_size label_length insertmanyvalues_page_size"
    " implicit_returning max_identifier_length supports_native_boolean enable_from_linting pool_logging_name"
)
_OPTION_NAMES = st.sampled_from(_OF_THE_ENGINE.split())
PROFILES = st.fixed_dictionaries(
    {"database_url": st.sampled_from([POSTGRESQL, MYSQL, "sqlite://", "sqlite:////tmp/app.db"])},
    optional={
        "query": st.dictionaries(_NAMES, _TEXT, max_size=2),
        "connect_args": st.dictionaries(_NAMES, _ANY, max_size=2),
        "engine_options": st.dictionaries(_OPTION_NAMES, _ANY, max_size=2),
        "execution_options": st.dictionaries(st.just("isolation_level"), _TEXT | st.just("SERIALIZABLE"), max_size=1),
        "isolation_level": st.sampled_from(["AUTOCOMMIT", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE"]),
        "tls": st.sampled_from(STRENGTH),
        "pooler": st.sampled_from(["none", "pgbouncer"]),
        "pool_reset_on_return": st.sampled_from(["rollback", "commit", "none", "discard"]),
        "statement_timeout": st.just(1.0),
        "read_only": st.booleans(),
        "host": st.just("db2.example"),
    },
)


# What SQLAlchemy only warns of, it takes; each of its versions warns of other options.
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
@settings(max_examples=300)
@given(PROFILES)
def test_check_and_engine_judge_any_profile_alike(values: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as empty:
        Path(empty, ".git").mkdir()
        found = checked(start=empty, overrides={"profiles": {"main": values}})

    try:
        error = refusal(DatabaseSettings(**values))
    except ConfigError as said_by_the_model:
        error = said_by_the_model

    assert bool(found) == (error is not None), (found, error)


@pytest.mark.parametrize("name", sorted(CHARSETS))
def test_every_character_set_is_one_of_the_driver(name: str) -> None:
    assert charset_by_name(name).encoding
