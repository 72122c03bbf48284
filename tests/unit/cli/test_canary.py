"""One canary password in every slot that can hold a secret; no command shows it, right or wrong the configuration."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable

import pytest

from tests.sandbox import Sandbox
from tests.unit.cli.conftest import Run

CANARY = "c4nary/p@ss w%rd"
QUOTED = urllib.parse.quote(CANARY, safe="")
TRACES = (CANARY, QUOTED, "c4nary", base64.b64encode(CANARY.encode()).decode())

SOUND = f"""
    [data]
    default = "main"
    secrets_dir = "secrets"

    [data.profiles.main]
    database_url = "postgresql://app:{QUOTED}@127.0.0.1:9/main"
    connect_timeout = 0.5
    connect_args = {{ password = "{CANARY}", nested = {{ api_key = "{CANARY}", list = [{{ token = "{CANARY}" }}] }} }}
    execution_options = {{ deep = {{ deeper = {{ client_secret = "{CANARY}" }} }}, secrets = {{ a = "{CANARY}" }}, \
passwords = ["{CANARY}"] }}

    [data.profiles.parts]
    driver = "mysql"
    host = "127.0.0.1"
    port = 9
    connect_timeout = 0.5
    password = "{CANARY}"
    query = {{ sslpassword = "{CANARY}" }}

    [data.profiles.reference]
    database_url = "postgresql://app@127.0.0.1:9/main"
    connect_timeout = 0.5
    password = "${{DB_PASSWORD}}"

    [data.profiles.filed]
    database_url = "postgresql://app@127.0.0.1:9/main"
    connect_timeout = 0.5
    password_file = "secret.txt"
"""

WRONG = {
    "wrong type": '[data]\ndriver = "postgres"\npassword = ["{canary}"]\n',
    "wrong type in a table": '[data]\ndriver = "postgres"\npassword = {{ a = "{canary}" }}\n',
    "password as a table in a profile": '[data.profiles]\nmain = "postgresql://app:{quoted}@db/x"\n',
    "URL in the wrong key": '[data]\ndriver = "postgresql://app:{quoted}@db/x"\n',
    "URL as a number": '[data]\nport = "postgresql://app:{quoted}@db/x"\n',
    "URL as a truth": '[data]\necho = "postgresql://app:{quoted}@db/x"\n',
    "at in the URL": '[data]\ndatabase_url = "postgresql://app:{canary}@db/x"\n',
    "no scheme": '[data]\ndatabase_url = "app:{quoted}@db/x"\n',
    "one slash": '[data]\ndatabase_url = "postgresql:/app:{quoted}@db/x"\n',
    "unknown driver": '[data]\ndatabase_url = "oracle://app:{quoted}@db/x"\n',
    "wrong port": '[data]\ndatabase_url = "postgresql://app:{quoted}@db:port/x"\n',
    "secret in the query": '[data]\ndatabase_url = "postgresql://app@db/x?password={quoted}"\n',
    "unknown key": '[data]\npasswort = "{canary}"\n',
    "password twice": '[data]\ndriver = "postgres"\npassword = "{canary}"\npassword_file = "secret.txt"\n',
    "half a reference": '[data]\ndriver = "postgres"\npassword = "{canary}${{"\n',
    "unset variable": '[data]\ndriver = "postgres"\npassword = "{canary}${{NOBODY_SET_THIS}}"\n',
    "reference in the URL": '[data]\ndatabase_url = "postgresql://app:${{DB_PASSWORD}}@db/x"\n',
    "broken TOML": '[data]\npassword = "{canary}\n',
    "broken TOML behind a key": "[data]\npassword = {canary}\n",
    "outside the table": 'password = "{canary}"\n',
    "set twice": '[data]\npassword = "{canary}"\npassword = "{canary}"\n',
}
VARIABLES = {
    "wrong JSON": ("MYFY_DATA_CONNECT_ARGS", '{{"password": "{canary}"'),
    "JSON that is no table": ("MYFY_DATA_CONNECT_ARGS", '["{canary}"]'),
    "URL for a number": ("MYFY_DATA_PORT", "postgresql://app:{quoted}@db/x"),
    "broken URL": ("MYFY_DATA_DATABASE_URL", "app:{quoted}@db/x"),
    "unknown driver": ("MYFY_DATA_DATABASE_URL", "oracle://app:{quoted}@db/x"),
    "unknown name": ("MYFY_DATA_PASSWORT", "{canary}"),
    "unknown profile": ("MYFY_DATA_PROFILES__NOBODY__PASSWORD", "{canary}"),
}
COMMANDS = (
    ("config", "show"),
    ("config", "show", "--origin"),
    ("config", "show", "--layers"),
    ("config", "show", "--json"),
    ("config", "check"),
    ("config", "check", "--json"),
    ("config", "check", "--strict"),
    ("config", "init", "--config", "new.toml"),
    ("ping",),
    ("ping", "--json"),
)
KEYS = (
    "database_url",
    "password",
    "password_file",
    "query",
    "connect_args",
    "connect_args.nested",
    "connect_args.password",
    "connect_args.nested.list",
    "execution_options",
    "execution_options.secrets.a",
    "profiles.parts.password",
    "profiles.parts.query",
    "profiles.reference.password",
)
Judge = Callable[..., str]


def fill(text: str) -> str:
    return text.format(canary=CANARY, quoted=QUOTED)


@pytest.fixture
def said(run: Run, caplog: pytest.LogCaptureFixture) -> Judge:
    """Everything that a command lets out: both streams, and the log at its most talkative."""
    caplog.set_level("DEBUG")

    def everything(*arguments: str) -> str:
        result = run(*arguments)
        assert result.out + result.err
        return result.out + result.err + caplog.text

    return everything


@pytest.fixture
def sound(project: Sandbox) -> Sandbox:
    """A configuration that loads, with the canary in every layer."""
    project.write("myfy.toml", SOUND)
    project.write("secret.txt", CANARY)
    project.write("secrets/PROFILES__PARTS__PASSWORD", CANARY)
    project.write("config/local.toml", f'[data.profiles.parts]\npassword = "{CANARY}"\n')
    project.write(".env", f"MYFY_DATA_PROFILES__REFERENCE__PASSWORD='{CANARY}'\nDB_PASSWORD='{CANARY}'\n")
    project.setenv("MYFY_DATA_PROFILES__PARTS__CONNECT_ARGS", json.dumps({"auth": {"password": CANARY}}))
    project.setenv("MYFY_DATA_PROFILES__FILED__DATABASE_URL", f"postgresql://app:{QUOTED}@127.0.0.1:9/main")
    project.setenv("DB_PASSWORD", CANARY)
    return project


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_a_secret_that_it_holds(sound: Sandbox, said: Judge, command: tuple[str, ...]) -> None:
    shown = said(*command, "--set", f"profiles.main.password={CANARY}")

    assert [trace for trace in TRACES if trace in shown] == []


@pytest.mark.parametrize("key", KEYS)
def test_explaining_a_secret_does_not_show_it(sound: Sandbox, said: Judge, key: str) -> None:
    shown = said("config", "explain", key, "--set", f"profiles.main.password={CANARY}")

    assert [trace for trace in TRACES if trace in shown] == []


def test_the_canary_is_there_to_be_shown(sound: Sandbox) -> None:
    """Were it not, the tests above could not fail."""
    settings = sound.load(overrides={"profiles.main.password": CANARY})

    passwords = [settings.profile(name).password for name in ("main", "parts", "reference")]
    assert [password and password.reveal() for password in passwords] == [CANARY] * 3


@pytest.mark.parametrize("command", [*COMMANDS[:6], ("config", "explain", "password"), ("ping",)], ids=" ".join)
@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_no_message_about_a_wrong_file_shows_it(
    project: Sandbox, said: Judge, text: str, command: tuple[str, ...]
) -> None:
    project.write("myfy.toml", fill(text))
    project.write("secret.txt", CANARY)
    project.setenv("DB_PASSWORD", CANARY)

    shown = said(*command)

    assert [trace for trace in TRACES if trace in shown] == []


@pytest.mark.parametrize("command", COMMANDS[:6], ids=" ".join)
@pytest.mark.parametrize(("name", "value"), VARIABLES.values(), ids=VARIABLES.keys())
def test_no_message_about_a_wrong_variable_shows_it(
    project: Sandbox, said: Judge, name: str, value: str, command: tuple[str, ...]
) -> None:
    project.setenv(name, fill(value))

    shown = said(*command)

    assert [trace for trace in TRACES if trace in shown] == []


@pytest.mark.parametrize(
    "argument",
    [
        "port=postgresql://app:{quoted}@db/x",
        "passwort={canary}",
        "database_url=app:{quoted}@db/x",
        "connect_args={canary}",
    ],
)
def test_no_message_about_a_wrong_argument_shows_it(project: Sandbox, said: Judge, argument: str) -> None:
    shown = said("config", "show", "--set", fill(argument))

    assert [trace for trace in TRACES if trace in shown] == []
