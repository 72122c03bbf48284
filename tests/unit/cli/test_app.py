"""Exit codes, messages and output of every command: on a terminal, in a pipe, in a pipe that breaks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from myfy_data.cli import app, output
from myfy_data.errors import ConfigError, DataModuleError
from tests.sandbox import RUN_TIMEOUT, Sandbox, child_environment
from tests.unit.cli.conftest import Run

COMMANDS = (
    ("config", "init"),
    ("config", "show"),
    ("config", "explain", "pool_size"),
    ("config", "check"),
    ("config", "schema"),
    ("ping", "--help"),
)
BAD = "[data]\npool_size = 0\n\n[data.profiles.main]\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_takes_the_shared_options_after_its_name(
    project: Sandbox, run: Run, command: tuple[str, ...]
) -> None:
    path = "new.toml" if "init" in command else str(project.write("named.toml", ""))

    result = run(
        *command, "--config", path, "--environment", "development", "--set", "pool_size=3", "--set", "echo=yes"
    )

    assert (result.code, result.err) == (0, "")


PRODUCTION = """
[data.profiles.main]
database_url = "postgresql+asyncpg://shop@db1.internal/shop"
password_file = "/run/secrets/shop/database/password"
tls = "verify-full"

[data.profiles.analytics]
database_url = "postgresql+asyncpg://reader@dwh/analytics"
read_only = true
"""


def test_a_configuration_error_is_its_own_text_on_standard_error(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", BAD)
    with pytest.raises(ConfigError) as error:
        project.load()

    result = run("config", "show")

    assert (result.code, result.out, result.err) == (2, "", f"{error.value}\n")


def test_any_other_error_of_ours_is_exit_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DataModuleError("the reason")

    monkeypatch.setattr("myfy_data.cli.options.LoadOptions.inspect", fail)

    result = run("config", "show")

    assert (result.code, result.err) == (1, "the reason\n")


def test_an_interrupt_is_exit_code_130_without_a_word(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("myfy_data.cli.options.LoadOptions.inspect", interrupted)

    result = run("config", "show")

    assert result.code == 130
    assert result.err.strip() == ""


def test_a_misspelt_command_gets_the_near_one(run: Run) -> None:
    result = run("config", "shwo")

    assert result.code == 2
    assert "Did you mean 'show'?" in result.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("db", "create", "main"), " Did you mean --profile main?"),
        (("db", "seed", "--no-seed"), ""),
        (("db", "seed", "a.toml"), ""),
        (("completion", "bash", "main"), ""),
        (("db", "create", "read-replica"), " Did you mean --profile read-replica?"),
        (("db", "create", "--config", "other.toml", "read-replica"), ""),
        (("db", "create", "--config", "other.toml", "audit"), " Did you mean --profile audit?"),
        (("db", "merge", "heads"), ""),
        (("db", "revision", "initial"), ""),
        (("db", "upgrade", "head", "extra"), ""),
        (("config", "show", "pool_size"), ""),
    ],
)
def test_a_profile_that_was_not_said_to_be_one_gets_its_option(
    run: Run, project: Sandbox, words: tuple[str, ...], hint: str
) -> None:
    for file, profiles in {"myfy.toml": ("main", "read-replica"), "other.toml": ("audit",)}.items():
        project.write(file, "".join(f'[data.profiles.{name}]\ndatabase_url = "sqlite://"\n' for name in profiles))

    result = run(*words)

    assert result.code == 2
    assert ("Did you mean --profile" in result.err) is bool(hint)
    assert hint in result.err


def test_a_command_that_is_like_no_other_gets_the_list(run: Run) -> None:
    assert (
        "There are: capacity, completion, config, db, dev, doctor, explain, new, ping, shell, sql."
        in run("frobnicate").err
    )
    assert "revision, schema, seed, stamp, upgrade." in run("db", "frobnicate").err, (
        "the whole list, however long it is"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "show", "--nothing"),
        ("config", "explain"),
        ("config", "show", "--set"),
        ("config", "show", "--set", "pool_size"),
        ("config", "show", "--set", "=3"),
        ("config", "show", "--set", "..=3"),
        ("config", "show", "--set", "profiles=3"),
        ("config", "show", "--set", "profiles.main=3"),
        ("config", "show", "--set", "pool_size.x=3"),
        ("config", "show", "--config", "missing.toml"),
        ("config", "show", "--config", "."),
        ("config", "show", "--config", ""),
        ("config", "show", "--environment", "../etc"),
        ("config", "show", "--profile", ""),
        ("config", "explain", ""),
        ("config", "explain", "."),
        ("config", "explain", "profiles"),
        ("config", "explain", "profiles."),
        ("config", "explain", "connect_args.nothing"),
        ("config", "schema", "--check", "--output", "missing/schema.json"),
        ("ping", "nobody"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_told_and_never_a_traceback(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)

    assert result.code in (1, 2)
    assert result.err


def test_a_piped_message_is_neither_wrapped_nor_cut_nor_read_as_markup(project: Sandbox, run: Run) -> None:
    name = "n" * 60
    project.write("myfy.toml", f"[data.profiles]\n{name} = 5\n")

    result = project.run("config", "check")

    assert any(line.endswith(f"[data.profiles.{name}]") for line in result.stdout.splitlines())


def test_a_message_on_a_terminal_is_not_read_as_markup_either(
    project: Sandbox, run_on_terminal: Callable[..., str]
) -> None:
    name = "n" * 60
    project.write("myfy.toml", f"[data.profiles]\n{name} = 5\n")

    lines = run_on_terminal("config", "check").splitlines()

    assert any(line.endswith(f"[data.profiles.{name}]") for line in lines)


def test_values_on_a_terminal_are_not_wrapped(project: Sandbox, run_on_terminal: Callable[..., str]) -> None:
    project.write("myfy.toml", f'[data]\ndriver = "sqlite"\napplication_name = "{"[bold]x[/] " * 20}y"\n')

    assert (
        f"profiles.default.application_name = {'[bold]x[/] ' * 20}y" in run_on_terminal("config", "show").splitlines()
    )


def test_the_last_column_has_a_line_of_its_own_where_the_terminal_is_narrow(
    project: Sandbox, run_on_terminal: Callable[..., str]
) -> None:
    project.write("myfy.toml", '[data.profiles.main]\ndatabase_url = "sqlite:///main.db"\npool_size = 3\n')

    shown = run_on_terminal("config", "show", "--origin", "--no-defaults", width=46).splitlines()

    assert shown[:2] == ["myfy.toml:2:1", "    profiles.main.database_url = sqlite:///main.db"]
    assert "myfy.toml:3:1  profiles.main.pool_size = 3" in shown


def test_what_two_databases_of_production_say_is_readable_at_80_columns(
    project: Sandbox, run_on_terminal: Callable[..., str]
) -> None:
    project.write("myfy.toml", '[data]\ndefault = "main"\n[data.profiles.main]\ndatabase_url = "sqlite:///main.db"\n')
    project.write("config/production.toml", PRODUCTION)

    shown = run_on_terminal(
        "config", "show", "--origin", "--no-defaults", "--environment", "production", width=80
    ).splitlines()
    answered = run_on_terminal("ping", width=80).splitlines()

    assert len(shown) > 6
    assert [line for line in (*shown, *answered) if len(line.rstrip()) > 80] == []


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_what_is_piped_has_no_styles(project: Sandbox, variables: dict[str, str], run: Run) -> None:
    for name, value in variables.items():
        project.setenv(name, value)

    assert "\x1b" not in run("config", "show").out


def test_an_escape_sequence_in_a_file_does_not_reach_the_terminal(project: Sandbox, run: Run) -> None:
    project.write("myfy.toml", '[data]\n"\\u001b[2J" = 1\n')

    assert "\x1b" not in run("config", "check").out


def test_a_text_that_the_output_cannot_encode_is_escaped(project: Sandbox) -> None:
    project.write("myfy.toml", '[data]\ndriver = "sqlite"\napplication_name = "Zürich"\n')
    environ = child_environment() | {"PYTHONIOENCODING": "ascii"}

    shown = subprocess.run(
        [sys.executable, "-m", "myfy_data", "config", "show"],
        cwd=project.path,
        env=environ,
        capture_output=True,
        check=True,
    )

    assert b"application_name = Z\\xfcrich" in shown.stdout


def test_a_reader_that_leaves_is_no_error(project: Sandbox) -> None:
    """As in `myfy-data config show | head -1`; the read end is closed before the command has begun to write."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "myfy_data", "config", "show"]
    with subprocess.Popen(
        command, cwd=project.path, env=child_environment(), stdout=write, stderr=subprocess.PIPE
    ) as process:
        os.close(write)
        _, errors = process.communicate(timeout=RUN_TIMEOUT)

    assert (process.returncode, errors) == (141, b"")


@pytest.fixture
def heard_interrupt() -> Iterator[None]:
    """A shell that runs the tests in the background has them ignore SIGINT, and their children with them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_interrupt")
def test_ctrl_c_ends_a_waiting_command_at_once(project: Sandbox) -> None:
    """A server that accepts and says nothing makes the command wait."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgresql://app@127.0.0.1:{server.getsockname()[1]}/main"
        environment = child_environment() | {"MYFY_DATA_DATABASE_URL": url}
        command = [sys.executable, "-m", "myfy_data", "ping"]
        with subprocess.Popen(
            command, cwd=project.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            line, _ = server.accept()
            with line:
                line.recv(1)
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=RUN_TIMEOUT)

    assert (process.returncode, errors.strip()) == (130, b"")


def test_a_thread_that_hangs_does_not_keep_the_process(project: Sandbox) -> None:
    """A resolver may hold a thread far beyond `connect_timeout`."""
    code = (
        "import socket, sys, time\n"
        "socket.getaddrinfo = lambda *_, **__: time.sleep(3600)\n"
        "url = 'database_url=postgresql://nobody.invalid/x'\n"
        "sys.argv[1:] = ['ping', '--set', url, '--set', 'connect_timeout=0.3']\n"
        "from myfy_data.cli import main\n"
        "sys.exit(main())\n"
    )

    assert project.python("-c", code).returncode == 1


def test_columns_align_all_but_the_last() -> None:
    lines = output.columns([("a", "b", "long text"), ("longer", "c", "x")])

    assert ["".join(span if isinstance(span, str) else span[0] for span in line) for line in lines] == [
        "a       b  long text",
        "longer  c  x",
    ]


def test_no_rows_make_no_lines() -> None:
    assert list(output.columns([])) == []


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").out.startswith(f"{app.PROGRAM}, version ")


@pytest.mark.parametrize("group", [(), ("config",), ("db",)])
def test_help_tells_every_command_in_one_line(run: Run, group: tuple[str, ...]) -> None:
    result = run(*group, "--help")

    assert result.code == 0
    assert "..." not in result.out.partition("Commands:")[2]
