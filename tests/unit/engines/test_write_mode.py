"""What a read-only session of PostgreSQL does not send, told by the text alone (contract C5.10)."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from myfy_data.engines.postgresql import message_gate
from myfy_data.engines.postgresql.bare_text import bare_statements
from myfy_data.engines.postgresql.judged_once import LONGEST_KEPT, judged_once
from myfy_data.engines.postgresql.write_mode import Suspicion, suspicion

ALLOWING = [
    "SET TRANSACTION READ WRITE",
    "set\ttransaction\nread\r\nwrite;",
    "SET TRANSACTION /* it's */ READ WRITE",
    "SET /* a /* nested */ ' */ TRANSACTION READ/**/WRITE",
    "START TRANSACTION -- don't\n READ WRITE",
    "-- a line may end so\rSET TRANSACTION READ WRITE",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE /*'*/, READ WRITE",
    "SET LOCAL TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET SESSION SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "BEGIN WORK READ WRITE",
    "BEGIN ISOLATION LEVEL SERIALIZABLE,READ WRITE",
    "SELECT 1; SET TRANSACTION READ WRITE",
    "SELECT 'it''s'; BEGIN READ WRITE",
    r"SELECT E'it\'s'; BEGIN READ WRITE",
    "SELECT E'a'\n'it\\'s', 'x'; BEGIN READ WRITE",
    "SELECT $a$ it's $b$ $a$; BEGIN READ WRITE",
    "SELECT 1 AS a$b$; BEGIN READ WRITE",
    "SELECT 1 AS a\u00a0$b$; BEGIN READ WRITE",
    'SELECT "it\'s"; BEGIN READ WRITE',
    r"SELECT '\' || ' ; SET TRANSACTION READ WRITE --'",
    "SET transaction_read_only = off",
    "SET transaction_read_only = on, off",
    'SET"transaction_read_only"=off',
    "SET TRANSACTION_READ_ONLY TO'off'",
    "SET LOCAL transaction_read_only TO DEFAULT",
    "SET SESSION default_transaction_read_only = 0",
    'SET U&"transaction_read_only" = off',
    'SET LOCAL U&"transaction\\005fread_only" = off',
    'RESET u&"transaction_read_only"',
    'RESET "default_transaction_read_only"',
    "RESET/**/transaction_read_only",
]
COMMITTING = [
    "CALL p()",
    'call"p"()',
    "/* a */ do$$ BEGIN COMMIT; END $$",
    "SELECT 1;-- it's\nCALL p()",
    "DO LANGUAGE plpgsql 'BEGIN COMMIT; END'",
]
GOING_ON = [
    "RESET ALL; COMMIT; INSERT INTO t VALUES (1)",
    "SELECT set_config('default_transaction_read_only', 'off', false);commit/**/;insert into t values (1);COMMIT",
    "END; SELECT 1",
    "ABORT WORK;; VALUES (1)",
    "SELECT 'it''s'; ROLLBACK AND CHAIN; SELECT 1",
    "-- a\nPREPARE TRANSACTION 'a'; DELETE FROM t",
]
HARMLESS = [
    "SELECT 1 FROM t WHERE note = 'transaction read write'",
    "SELECT 1 FROM t WHERE note LIKE 'begin to read  write%'",
    "-- how we work: read write split\nSELECT 1",
    '/* begin: read write; call me */ SELECT t.work, t."read write" FROM t',
    "SELECT 'it works; call me'",
    "SELECT 'a''; call me'",
    r"SELECT E'a\'; call me'",
    "SELECT $$; call me; set transaction read write$$, $a$ $$ ; do $a$",
    'SELECT "; call me", "do", "set" FROM t',
    "SELECT set, reset, begin FROM t AS call",
    "SELECT 'C:\\dir', 'begin'",
    "SET TRANSACTION READ ONLY",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
    "SET TRANSACTION SNAPSHOT 'read write'",
    "SET LOCAL transaction_read_only = on;",
    "SET \"transaction_read_only\" TO /* still */ 'ON'",
    "SET default_transaction_read_only TO true",
    "SET search_path TO transaction_read_only",
    "SET application_name = 'read write'",
    "BEGIN READ ONLY; SELECT 'read write'",
    "RESET ALL",
    "COMMIT",
    "SELECT 1; COMMIT; -- ; SELECT 1",
    "COMMIT; ROLLBACK;",
    "ROLLBACK TO SAVEPOINT a; SELECT 1",
    "ROLLBACK WORK TO a; SELECT 1",
    "PREPARE p AS SELECT 1; EXECUTE p",
    "SELECT CASE a WHEN 1 THEN 'commit; select'\nEND, b FROM t; SELECT 1",
    "SHOW transaction_read_only",
    "SELECT set_config('search_path', 'begin', true)",
    "SELECT 1 -- '",
    "SELECT 1 /* '",
    "",
]


@pytest.mark.parametrize("sql", ALLOWING)
def test_what_allows_writes_is_found(sql: str) -> None:
    assert suspicion(sql) is Suspicion.ALLOWS_WRITES


@pytest.mark.parametrize("sql", COMMITTING)
def test_what_may_commit_is_found(sql: str) -> None:
    assert suspicion(sql) is Suspicion.MAY_COMMIT


@pytest.mark.parametrize("sql", GOING_ON)
def test_what_goes_on_behind_its_end_is_found(sql: str) -> None:
    assert suspicion(sql) is Suspicion.GOES_ON


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_only_sounds_so_is_sent(sql: str) -> None:
    assert suspicion(sql) is None


def test_a_text_is_told_without_comments_and_literals() -> None:
    sql = "SELECT /* a */ 'b' , E'c\\'d' \"e\" \"f g\" -- h\n; SET x='On' ; $i$j$i$"

    assert bare_statements(sql)[:3] == ["SELECT '' , '' e \"\"", "SET x= 'on'", "''"]


@pytest.mark.parametrize(
    "piece",
    ["/* a */ ", "/*", "-- a\n", "'a' ", "'", '"', "$a$ ", "\\'", "E'a' ", "read ", "- / ", ";", " "],
)
@pytest.mark.parametrize("start", ["", "begin ", "set ", "do E'"])
def test_a_long_text_is_read_once(start: str, piece: str) -> None:
    """A pattern that goes back and tries again would double its work with each piece, and not come to an end."""
    suspicion(f"{start}{piece * 5_000}\ndo")


def test_long_texts_are_not_kept() -> None:
    asked: list[str] = []

    @judged_once(10)
    def judge(sql: str) -> bool:
        asked.append(sql)
        return True

    short, long = "a" * LONGEST_KEPT, "b" * (LONGEST_KEPT + 1)
    assert [judge(sql) for sql in (short, long, short, long)] == [True] * 4

    assert asked == [short, long, long]


@pytest.mark.parametrize(
    "judge", [suspicion, message_gate.touches_session, message_gate.leaves_no_trace, message_gate.may_begin_another]
)
def test_no_judgement_keeps_them(judge: Callable[[str], object]) -> None:
    short, long = (f"SELECT '{judge.__name__}'".ljust(length) for length in (LONGEST_KEPT, LONGEST_KEPT + 1))
    before = sys.getrefcount(short), sys.getrefcount(long)

    judge(short)
    judge(long)

    assert sys.getrefcount(short) > before[0]
    assert sys.getrefcount(long) == before[1]
