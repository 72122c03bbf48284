"""Contract C3.7: `${NAME}` in string values of files, and nowhere else."""

from __future__ import annotations

import pytest

from tests.loading import MAIN, only_problem, problems
from tests.sandbox import Sandbox


def name_of(project: Sandbox, template: str, **environ: str) -> object:
    project.write("myfy.toml", MAIN + f"application_name = '{template}'\n")
    return project.load(environ=environ).profile().application_name


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${A}", "x"),
        ("a-${A}-${A}", "a-x-x"),
        ("${A:-y}", "x"),
        ("${NO:-y}", "y"),
        ("${NO:-a b:c-d$}", "a b:c-d$"),
        ("${EMPTY:-y}", "y"),
        ("${A:?must be}", "x"),
        ("$${A}", "${A}"),
        ("$${", "${"),
        ("$$${A}", "$${A}"),
        ("${A}$${A}", "x${A}"),
        ("$", "$"),
        ("$A $$ $$$", "$A $$ $$$"),
        ("pa$$w0rd$1", "pa$$w0rd$1"),
        ("{A}", "{A}"),
        ("${REFERS}", "${A}"),
    ],
)
def test_references_are_resolved_once(project: Sandbox, template: str, expected: str) -> None:
    assert name_of(project, template, A="x", EMPTY="", REFERS="${A}") == expected


@pytest.mark.parametrize(
    "template",
    ["${", "${}", "${1A}", "${A", "${A:x}", "${A:-", "${A-b}", "${A:+b}", "x ${ A }", "${A:-${B}}", "${A:?${B}}"],
)
def test_any_other_use_of_the_sign_is_an_error_at_its_place(project: Sandbox, template: str) -> None:
    project.write("myfy.toml", MAIN + f"application_name = '{template}'\n")

    assert only_problem(environ={"A": "x", "B": "y"}) == (
        "myfy.toml:3:1: profiles.main.application_name:"
        " '${' opens a reference that is not ${NAME}, ${NAME:-default} or ${NAME:?message}\n"
        "  fix: write $${ for the text '${', or correct the reference"
    )


@pytest.mark.parametrize(
    ("template", "environ", "told"),
    [
        ("${A}", {}, "needs environment variable A, which is not set\n  fix: set A, or give a default: ${A:-value}"),
        ("${A}", {"A": ""}, "needs environment variable A, which is set but empty\n  fix: set A, or give a default:"),
        ("${A:?ask Ann}", {}, "needs environment variable A, which is not set: ask Ann\n  fix: set A"),
        ("${A:?ask Ann}", {"A": ""}, "needs environment variable A, which is set but empty: ask Ann\n  fix: set A"),
    ],
)
def test_a_variable_that_is_missing_is_an_error(
    project: Sandbox, template: str, environ: dict[str, str], told: str
) -> None:
    project.write("myfy.toml", MAIN + f"application_name = '{template}'\n")

    assert told in only_problem(environ=environ)


def test_names_are_looked_up_in_the_process_and_then_in_dotenv(project: Sandbox) -> None:
    project.write(".env", "A=dotenv\nB=dotenv\n")

    assert name_of(project, "${A} ${B}", A="process") == "process dotenv"


def test_an_empty_variable_of_the_process_hides_the_one_of_dotenv(project: Sandbox) -> None:
    project.write(".env", "A=dotenv\n")

    assert name_of(project, "${A:-default}", A="") == "default"


def test_names_are_not_written_to_the_process(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    import os  # noqa: PLC0415 - the test is about it

    project.write(".env", "ONLY_IN_DOTENV=1\nMYFY_DATA_ECHO=1\n")
    project.load()

    assert "ONLY_IN_DOTENV" not in os.environ
    assert "MYFY_DATA_ECHO" not in os.environ


def test_it_works_in_yaml(project: Sandbox) -> None:
    project.write("myfy.yaml", "data:\n  database_url: sqlite://\n  pool_size: ${SIZE:-7}\n  password: pa$$${PW}\n")

    profile = project.load(environ={"PW": "x"}).profile()

    assert profile.password is not None
    assert (profile.pool_size, profile.password.reveal()) == (7, "pa$${PW}")


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ('pool_size = "${A}"', "pool_size", 7),
        ('pool_timeout = "${A}"', "pool_timeout", 7.0),
        ('echo = "${T}"', "echo", True),
        ('tls = "${TLS}"', "tls", "require"),
        ('connect_args = "${J}"', "connect_args", {"a": 1}),
        ('connect_args = { a = "${A}" }', "connect_args", {"a": "7"}),
        ('connect_args = { a = ["${A}", { b = "${A}" }] }', "connect_args", {"a": ["7", {"b": "7"}]}),
    ],
)
def test_the_result_is_read_by_the_target_type(project: Sandbox, line: str, key: str, value: object) -> None:
    project.write("myfy.toml", MAIN + line + "\n")
    environ = {"A": "7", "T": "yes", "TLS": "require", "J": '{"a": 1}'}

    assert getattr(project.load(environ=environ).profile(), key) == value


def test_a_result_of_the_wrong_type_is_told_without_it(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'pool_size = "${PW}"\ntls = "${PW}"\nconnect_args = "${PW:-c4nary}"\n')

    told = "\n".join(problems(environ={"PW": "c4nary"}))

    assert "pool_size: expected a whole number, got what ${PW} stands for" in told
    assert "connect_args: expected a JSON object, got what ${PW} stands for" in told
    assert "c4nary" not in told


def test_a_result_out_of_bounds_is_told_without_it(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'tls = "${PW}"\n')

    assert "got what ${PW} stands for" in only_problem(environ={"PW": "c4nary"})


def test_only_surviving_values_are_resolved(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "${BASE_ONLY}"\n')
    project.write("config/production.toml", '[data.profiles.main]\npassword = "${PROD}"\n')

    password = project.load(environment="production", environ={"PROD": "x"}).profile().password

    assert password is not None
    assert password.reveal() == "x"


def test_what_a_url_drops_is_not_resolved(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + 'password = "${BASE_ONLY}"\n')

    assert project.load(environ={"MYFY_DATA_DATABASE_URL": "sqlite://"}).profile().password is None


def test_root_keys_are_resolved(project: Sandbox) -> None:
    project.write("secrets/pool_size", "3")
    project.write("myfy.toml", '[data]\ndefault = "${DEF}"\nsecrets_dir = "${DIR}"\n' + MAIN)

    assert project.load(environ={"DEF": "main", "DIR": "secrets"}).profile().pool_size == 3


@pytest.mark.parametrize(
    "environ",
    [{"MYFY_DATA_APPLICATION_NAME": "${A}"}, {"MYFY_DATA_CONNECT_ARGS": '{"x": "${A}"}', "MYFY_DATA_ECHO": "1"}],
)
def test_variables_are_not_interpolated(project: Sandbox, environ: dict[str, str]) -> None:
    profile = project.load(environ=environ | {"A": "x"}).profile()

    assert "${A}" in (profile.application_name, profile.connect_args.get("x"))


@pytest.mark.parametrize("overrides", [{"application_name": "${A}"}, {"connect_args": {"x": ["${A}"]}}])
def test_arguments_are_not_interpolated(project: Sandbox, overrides: dict[str, object]) -> None:
    profile = project.load(environ={"A": "x"}, overrides=overrides).profile()

    assert profile.application_name == "${A}" or profile.connect_args == {"x": ["${A}"]}


def test_dotenv_and_secret_files_are_not_interpolated(project: Sandbox) -> None:
    project.write(".env", "MYFY_DATA_APPLICATION_NAME='${A}'\n")
    project.write("secrets/password", "${A}")

    profile = project.load(environ={"A": "x", "MYFY_DATA_SECRETS_DIR": "secrets"}).profile()

    assert profile.password is not None
    assert (profile.application_name, profile.password.reveal()) == ("${A}", "${A}")


def test_keys_and_unset_are_not_interpolated(project: Sandbox) -> None:
    project.write("myfy.toml", MAIN + "connect_args = { '${A}' = 1 }\n")

    assert project.load(environ={"A": "x"}).profile().connect_args == {"${A}": 1}
