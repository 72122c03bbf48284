"""Which packets of a log-in would give the password away (contract C9)."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest

from myfy_data.engines.mysql.login import is_private, is_tls_request, reveals

PASSWORD = b"S3cr3t-pw"
SCRAMBLE = bytes(range(100, 120))
TLS, FLAGS = 0x800, 0x3A685


def start(flags: int = FLAGS) -> bytes:
    return struct.pack("<IIB23s", flags, 1 << 24, 45, b"")


def answer(auth: bytes, *, user: bytes = b"app", more: bytes = b"main\0mysql_native_password\0") -> bytes:
    """The client's answer to the greeting; `auth` with its length."""
    return start() + user + b"\0" + auth + more


@pytest.mark.parametrize(
    "packet",
    [
        PASSWORD,
        PASSWORD + b"\0",
        answer(bytes([9]) + PASSWORD),
        answer(bytes([10]) + PASSWORD + b"\0"),
        answer(PASSWORD + b"\0"),
        answer(b"\x0a" + PASSWORD + b"\0", user=PASSWORD),
    ],
    ids=["whole", "whole with NUL", "after its length", "after its length with NUL", "up to a NUL", "as user, too"],
)
def test_a_packet_with_the_password_reveals_it(packet: bytes) -> None:
    assert reveals(packet, PASSWORD)


def test_a_long_password_is_seen_behind_a_length_of_two_bytes() -> None:
    password = b"x" * 300

    assert reveals(answer(b"\xfc" + struct.pack("<H", 301) + password + b"\0"), password)


@pytest.mark.parametrize(
    "packet",
    [
        answer(b"\x14" + SCRAMBLE),
        answer(b"\x14" + SCRAMBLE, user=PASSWORD),
        answer(b"\x14" + SCRAMBLE, more=PASSWORD + b"\0mysql_native_password\0"),
        answer(b"\x14" + SCRAMBLE, more=b"main\0mysql_native_password\0\x18\x0cprogram_name\x09" + PASSWORD),
        answer(b"\0"),
        start(FLAGS | TLS),
        SCRAMBLE,
        b"",
        b"\x03SET init = '" + PASSWORD + b"'",
    ],
    ids=["scrambled", "user", "database", "program", "none", "TLS", "switch", "empty", "statement"],
)
def test_other_packets_do_not_even_where_a_name_is_the_same(packet: bytes) -> None:
    assert not reveals(packet, PASSWORD)


def test_without_a_password_there_is_nothing_to_reveal() -> None:
    assert not reveals(b"", b"")
    assert not reveals(b"\0", b"")


@pytest.mark.parametrize("length", [1, 2, 19, 21, 31, 33])
def test_a_scrambled_password_of_any_length_is_let_pass(length: int) -> None:
    assert not reveals(answer(b"\x14" + SCRAMBLE), b"d" * length)


def test_the_request_for_tls_is_known_by_its_length_and_its_flag() -> None:
    assert is_tls_request(start(FLAGS | TLS))
    assert not is_tls_request(start(FLAGS))
    assert not is_tls_request(answer(b"\0"))


class Line:
    """A transport that tells what it is given."""

    def __init__(self, **extra: Any) -> None:
        self.get_extra_info = extra.get


@pytest.mark.parametrize(
    ("family", "tls", "private"),
    [
        (socket.AF_INET, None, False),
        (socket.AF_INET6, None, False),
        (socket.AF_INET, object(), True),
        (socket.AF_UNIX, None, True),
        (None, None, False),
    ],
)
def test_a_line_is_private_by_what_it_is(family: Any, tls: Any, private: bool) -> None:
    line = type("Socket", (), {"family": family})() if family is not None else None

    assert is_private(Line(socket=line, ssl_object=tls)) is private
