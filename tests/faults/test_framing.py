"""Bytes become messages, and answers find the message that they answer, however the bytes are cut."""

from __future__ import annotations

import pytest

from tests.faults.framing import Answer
from tests.faults.messages import Message, commit, statement
from tests.faults.mysql import MySQLConversation
from tests.faults.postgresql import PostgreSQLConversation

OK = b"\x00\x00\x00\x02\x00\x00\x00"
OK_AND_MORE = b"\x00\x00\x00\x0a\x00\x00\x00"
END = b"\xfe\x00\x00\x02\x00"
ERROR = b"\xff\x15\x04#28000no"
COLUMN, ROW = b"\x03def" + b"\x00" * 10, b"\x011"


def packet(payload: bytes, sequence: int = 1) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def frame(kind: bytes, body: bytes = b"") -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def logged_in(capabilities: bytes = b"\0\0\0\0") -> MySQLConversation:
    """A conversation whose greeting and log-in are over."""
    conversation = MySQLConversation()
    list(conversation.answered(packet(b"\x0a10.11", 0)))
    list(conversation.sent(packet(capabilities + b"\0" * 28 + b"root\0\0")))
    list(conversation.answered(packet(OK, 2)))
    return conversation


def mysql_answers(command: bytes, *payloads: bytes, capabilities: bytes = b"\0\0\0\0") -> list[Answer]:
    conversation = logged_in(capabilities)
    list(conversation.sent(packet(command, 0)))
    return list(conversation.answered(b"".join(packet(payload) for payload in payloads)))


@pytest.mark.parametrize(
    ("command", "payloads"),
    [
        (b"\x03COMMIT", [OK]),
        (b"\x03SELECT", [ERROR]),
        (b"\x03SELECT", [b"\x01", COLUMN, END, END]),
        (b"\x03SELECT", [b"\x02", COLUMN, COLUMN, END, ROW, ROW, END]),
        (b"\x03SELECT", [b"\x01", COLUMN, END, ROW, ERROR]),
        (b"\x03SELECT; COMMIT", [b"\x01", COLUMN, END, ROW, b"\xfe\x00\x00\x0a\x00", OK]),
        (b"\x03COMMIT; COMMIT", [OK_AND_MORE, OK]),
        (b"\x16SELECT ?", [b"\x00\1\0\0\0\1\0\1\0\0\0\0", COLUMN, END, COLUMN, END]),
        (b"\x0e", [OK]),
    ],
)
def test_an_answer_of_mysql_ends_with_its_last_packet(command: bytes, payloads: list[bytes]) -> None:
    answers = mysql_answers(command, *payloads)

    assert [answer.is_last for answer in answers] == [False] * (len(payloads) - 1) + [True]
    assert {answer.number for answer in answers} == {2}


def test_a_client_that_wants_no_end_packets_gets_none() -> None:
    end = b"\xfe\x00\x00\x02\x00\x00\x00"

    answers = mysql_answers(b"\x03SELECT", b"\x01", COLUMN, ROW, end, capabilities=b"\0\0\0\1")

    assert [answer.is_last for answer in answers] == [False, False, False, True]


def test_bytes_may_come_one_by_one() -> None:
    mysql, postgresql = logged_in(), PostgreSQLConversation()
    command, start = packet(b"\x03COMMIT", 0), b"\0\0\0\x09\0\3\0\0\0"

    heard = [sent.message for byte in command for sent in mysql.sent(bytes([byte]))]
    heard += [sent.message for byte in start + frame(b"Q", b"COMMIT;\0") for sent in postgresql.sent(bytes([byte]))]

    expected = [Message("COM_QUERY", "COMMIT", runs=True), Message("startup"), Message("Q", "COMMIT;", runs=True)]
    assert heard == expected


def test_an_execution_in_postgresql_knows_its_statement() -> None:
    conversation = PostgreSQLConversation()
    list(conversation.sent(b"\0\0\0\x09\0\3\0\0\0"))
    prepare, bind, run = frame(b"P", b"s\0COMMIT\0\0\0"), frame(b"B", b"\0s\0\0\0\0\0\0\0"), frame(b"E", b"\0\0\0\0\0")

    messages = [sent.message for sent in conversation.sent(prepare + bind + run)]

    assert [commit(message) for message in messages] == [False, False, True]


def test_an_error_in_postgresql_answers_what_failed_and_skips_to_the_sync() -> None:
    conversation = PostgreSQLConversation()
    list(conversation.sent(b"\0\0\0\x09\0\3\0\0\0" + frame(b"P", b"\0x\0\0\0") + frame(b"D") + frame(b"S")))
    ready = frame(b"Z", b"I")

    answers = list(conversation.answered(frame(b"R", b"\0\0\0\0") + ready + frame(b"E", b"no") + ready))

    assert [(answer.number, answer.is_last) for answer in answers] == [(1, False), (1, True), (2, True), (4, True)]


@pytest.mark.parametrize("text", ["SET AUTOCOMMIT = 0", "SELECT 'COMMIT'", "COMMITTED"])
def test_only_a_commit_is_a_commit(text: str) -> None:
    assert not commit(Message("Q", text, runs=True))
    assert commit(Message("Q", "commit ;", runs=True))
    assert statement(text)(Message("Q", text.lower(), runs=True))
