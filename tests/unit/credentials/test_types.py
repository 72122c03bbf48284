"""What providers are asked and answer: checked when it is made, and never printed (contract C12.4)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from myfy_data import CredentialRequest, Credentials, ProviderError


def test_credentials_do_not_print_their_password() -> None:
    credentials = Credentials("c4nary", "app", datetime(2030, 1, 1, tzinfo=UTC), 60)

    assert "c4nary" not in f"{credentials!r} {credentials}"
    assert credentials.password.reveal() == "c4nary"


def test_a_request_does_not_print_its_options() -> None:
    assert "c4nary" not in repr(CredentialRequest("main", "db", 1, "app", "connect", {"key": "c4nary"}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"password": ""}, "an empty password"),
        ({"password": b"x"}, "a password that is no text"),
        ({"username": 1}, "a username that is no text"),
        ({"expires_at": datetime(2030, 1, 1)}, "no datetime with a time zone"),  # noqa: DTZ001 - what is refused
        ({"expires_at": 1700000000}, "no datetime with a time zone"),
        ({"max_connection_age": 0}, "no number of seconds above 0"),
        ({"max_connection_age": True}, "no number of seconds above 0"),
        ({"max_connection_age": float("inf")}, "no number of seconds above 0"),
    ],
)
def test_what_cannot_be_used_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ProviderError, match=told) as caught:
        Credentials(**{"password": "c4nary", **given})

    frame = caught.tb
    while frame is not None:
        if frame.tb_frame.f_code.co_filename.endswith("credentials/types.py"):
            assert "c4nary" not in repr(frame.tb_frame.f_locals)
        frame = frame.tb_next
