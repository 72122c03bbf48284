"""The providers that come with the package: a command and a file (contract C12.4)."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from myfy_data import CredentialRequest, Credentials, ProviderError
from myfy_data.credentials.provider import load_provider

PRINT = "import sys; sys.stdout.write(sys.argv[1])"
JSON = '{"password": "t0ken", "username": "v-app", "expires_at": "2030-01-31T12:00:00Z", "max_connection_age": 60}'


async def ask(name: str, root: Path, **options: Any) -> Credentials:
    request = CredentialRequest("main", "db.internal", 5432, "app", "connect", options)
    answer = await load_provider(name, root).ask(request)
    if isinstance(answer, ProviderError):
        raise answer
    return answer


def printing(text: str) -> list[str]:
    return [sys.executable, "-c", PRINT, text]


async def test_a_command_prints_the_password(tmp_path: Path) -> None:
    assert (await ask("command", tmp_path, command=printing(" t0k en\n"))).password.reveal() == " t0k en"


async def test_a_command_is_told_what_is_asked_for(tmp_path: Path) -> None:
    command = printing("{username}@{host}:{port}/{profile}?{reason}{other}")

    said = (await ask("command", tmp_path, command=command)).password.reveal()

    assert said == "app@db.internal:5432/main?connect{other}"


async def test_json_names_user_end_and_age(tmp_path: Path) -> None:
    credentials = await ask("command", tmp_path, command=printing(JSON), format="json")

    assert credentials == Credentials("t0ken", "v-app", datetime(2030, 1, 31, 12, tzinfo=UTC), 60)


async def test_a_lifetime_stands_for_an_end_that_is_not_said(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    credentials = await ask("command", tmp_path, command=printing("t0ken"), lifetime=900)

    assert credentials.expires_at is not None
    assert began <= credentials.expires_at - timedelta(minutes=15) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "needs the option `command`, a list of words"),
        ({"comand": ["x"]}, "has no option 'comand'. Did you mean 'command'?"),
        ({"command": ["x"], "format": "xml"}, "takes text or json as format"),
        ({"command": ["x"], "lifetime": "900"}, "takes a number of seconds above 0 as lifetime"),
        ({"command": ["/nowhere/vault"]}, "cannot run '/nowhere/vault': FileNotFoundError"),
        ({"command": [sys.executable, "-c", "raise SystemExit(3)"]}, " ended with 3"),
        ({"command": printing("c4nary"), "format": "json"}, "gives no object in JSON with a password in it"),
        ({"command": [sys.executable, "-c", "print('c4nary' * 20000)"]}, "prints more than 65536 bytes"),
        ({"command": printing("\n")}, "gives an empty password"),
    ],
)
async def test_a_command_that_gives_nothing_is_told(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await ask("command", tmp_path, **options)

    assert told in str(caught.value)
    assert "c4nary" not in str(caught.value) + caught.value.fix


async def test_a_command_that_is_given_up_ends(tmp_path: Path) -> None:
    script = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    command = [sys.executable, "-c", script, str(tmp_path / "pid")]
    asking = asyncio.ensure_future(ask("command", tmp_path, command=command))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.01)

    asking.cancel()
    await asyncio.wait({asking})

    pid = (tmp_path / "pid").read_text()
    while Path("/proc", pid).exists():
        await asyncio.sleep(0.01)


async def test_a_file_is_found_from_the_projects_root(tmp_path: Path) -> None:
    (tmp_path / "db.json").write_text(JSON)

    assert (await ask("file", tmp_path, path="db.json", format="json")).username == "v-app"


async def test_a_file_that_is_being_written_anew_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("")
    asking = asyncio.ensure_future(ask("file", tmp_path, path="token"))
    await asyncio.sleep(0)
    (tmp_path / "token").write_text("t0ken\n")

    assert (await asking).password.reveal() == "t0ken"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "needs the option `path`"),
        ({"path": "absent"}, "absent: no such file or directory"),
        ({"path": "."}, "is a directory"),
        ({"path": "empty"}, "empty empty"),
        ({"path": "binary"}, "it is not UTF-8 text"),
    ],
)
async def test_a_file_that_gives_nothing_is_told(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "binary").write_bytes(b"c4nary\xff\xfe")

    with pytest.raises(ProviderError) as caught:
        await ask("file", tmp_path, **options)

    assert told in str(caught.value)
    assert "c4nary" not in str(caught.value)
