"""Secrets cannot be printed by accident, however they are nested or broken (contract C3.11)."""

from __future__ import annotations

import copy
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest

from myfy_data.redaction import DatabaseURL, Secret, looks_secret, redact_at, redact_url, redact_value

CANARY = "c4nary"


@pytest.mark.parametrize("name", ["password", "PASSWD", "db_pwd", "client_secret", "token", "apikey", "private_key"])
def test_a_name_of_a_secret_looks_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["password_file", "token_file", "username", "host", "timeout"])
def test_a_path_to_a_secret_and_other_names_do_not(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://app:c4nary@db/main", "postgresql://app:***@db/main"),
        ("postgresql://app@db/main", "postgresql://app@db/main"),
        ("postgresql://app:c4n@ry/x?y@db/main", "postgresql://app:***@db/main"),
        ("postgresql://app/c4nary@db/main", "postgresql://app:***@db/main"),
        ("postgresql://app/c4nary:x@db/main", "postgresql://app:***@db/main"),
        ("postgresql://app?c4nary:x@db/main", "postgresql://app:***@db/main"),
        ("postgresql:///app:c4nary@db/main", "postgresql://:***@db/main"),
        ("sqlite:////srv/a@b/x.db", "sqlite:////srv/a@b/x.db"),
        ("postgresql://app:c4nary", "postgresql://app:***"),
        ("postgresql://app:c4na/ry", "postgresql://app:***"),
        ("postgresql://db:5432/main", "postgresql://db:5432/main"),
        ("postgresql://[::1]:5432/main", "postgresql://[::1]:5432/main"),
        ("mysql://db/x?ssl=1&password=c4nary", "mysql://db/x?ssl=1&password=***"),
        ("mysql://db/x?pass%77ord=c4nary", "mysql://db/x?pass%77ord=***"),
        ("postgresql://app@db/x#password=c4nary", "postgresql://app@db/x#password=***"),
        ("postgresql://app@db/x;user=a;pwd=c4n/ry?a=1", "postgresql://app@db/x;user=a;pwd=***"),
        ("postgresql://db/x?ssl=1#token=c4nary", "postgresql://db/x?ssl=1#token=***"),
        ("postgresql://db;password=c4nary", "postgresql://db;password=***"),
        ("sqlite:///./a;b=c#1.db", "sqlite:///./a;b=c#1.db"),
        ("sqlite:///./app.db", "sqlite:///./app.db"),
        ("sqlite:///a:b", "sqlite:///a:b"),
        ("c4nary", "***"),
        ("app:c4nary@db", "***"),
        ("host=db password=c4nary", "***"),
    ],
)
def test_a_url_is_masked_however_broken_it_is(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("password", CANARY, "***"),
        ("password", 1234, "***"),
        ("password", None, None),
        ("credentials", {"user": CANARY, "deep": [{"x": CANARY}]}, {"user": "***", "deep": [{"x": "***"}]}),
        ("connect_args", {"timeout": 5, "password": CANARY}, {"timeout": 5, "password": "***"}),
        ("hosts", ["postgresql://a:c4nary@b"], ["postgresql://a:***@b"]),
        ("dsn", f"host=db password={CANARY}", "***"),
        ("password", Secret(CANARY), "***"),
        ("pool_size", 5, 5),
        ("application_name", "app", "app"),
    ],
)
def test_a_value_is_masked_by_its_name_at_any_depth(name: str, value: Any, shown: Any) -> None:
    assert redact_value(name, value) == shown


def test_a_value_below_a_secret_name_is_masked_whatever_its_own_name_is() -> None:
    assert redact_at(("connect_args", "secrets", "user"), CANARY) == "***"


@pytest.mark.parametrize("secret", [Secret(CANARY), DatabaseURL(f"postgresql://app:{CANARY}@db/main")])
def test_a_secret_prints_masked_everywhere_and_reveals_on_request(secret: Secret) -> None:
    shown = f"{secret} {secret!r} {secret!s} {[secret]} { {'x': secret} }"

    assert CANARY not in shown
    assert CANARY in secret.reveal()


def test_a_secret_survives_copying_and_pickling() -> None:
    url = DatabaseURL("sqlite:///x.db", Path("/srv"))

    for twin in (copy.copy(url), copy.deepcopy(url), pickle.loads(pickle.dumps(url))):
        assert twin == url
        assert twin.base_dir == url.base_dir


def test_secrets_are_equal_by_text_and_kind() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("sqlite://") != DatabaseURL("sqlite://")
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_traceback_with_locals_shows_no_secret() -> None:
    try:
        secret = Secret(CANARY)
        raise RuntimeError(f"about {secret}")
    except RuntimeError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()

    assert CANARY not in "".join(line for line in lines if "CANARY =" not in line)
