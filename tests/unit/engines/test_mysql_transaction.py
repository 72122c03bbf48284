"""What MySQL's answers say about the transaction, one answer after the other (contract C16.4)."""

from __future__ import annotations

import pymysql
import pytest

from myfy_data.engines.mysql.implicit_commit import commits_implicitly
from myfy_data.engines.mysql.transaction import Changes, ServerTransaction, session_changes
from myfy_data.errors import TransactionEndedError

OPEN, CLOSED, AUTOCOMMIT = 1, 0, 2
WROTE, FRESH, MADE_TEMPORARY_TABLE = (Changes(state) for state in (b"I___W___", b"T_______", b"________"))


def that_wrote() -> ServerTransaction:
    transaction = ServerTransaction()
    transaction.sql = "INSERT INTO t VALUES (1)"
    transaction.hear(OPEN, WROTE)
    return transaction


def error(number: int) -> Exception:
    return pymysql.err.OperationalError(number, "no")


def ended_by(transaction: ServerTransaction) -> TransactionEndedError:
    with pytest.raises(TransactionEndedError) as caught:
        transaction.check("main")
    return caught.value


@pytest.mark.parametrize(
    ("sql", "committed"),
    [
        ("CREATE TABLE t (id INT)", True),
        (b"  /* a */ truncate t", True),
        ("-- a\nROLLBACK", False),
        ("COMMIT;\n", True),
        ("(SELECT 1)", None),
        ("CALL p()", None),
        ("EXECUTE IMMEDIATE 'ROLLBACK'", None),
        ("/*!50000 ROLLBACK */", None),
        ("BEGIN NOT ATOMIC ROLLBACK; END", None),
        ("INSERT INTO t VALUES (2); ROLLBACK", None),
        ("/* a */ (SELECT 1) /* b */ COMMIT", None),
        ("/* a */ " * 5_000 + "(SELECT 1)", None),
        ("# a\n-- b\n \t" * 5_000 + "COMMIT", True),
    ],
)
def test_it_is_over_when_an_answer_says_that_none_is_open(sql: str | bytes, committed: bool | None) -> None:
    transaction = that_wrote()

    transaction.sql = sql
    transaction.hear(CLOSED)

    assert ended_by(transaction).committed is committed


@pytest.mark.parametrize("gap", ["/* a */ ", "-- a\n", "# a\n", "/* a */ INSERT INTO t VALUES (1) "])
def test_a_statement_before_which_the_server_commits_is_read_once(gap: str) -> None:
    assert not commits_implicitly(gap * 5_000 + "SELECT 1")
    assert not commits_implicitly("/* a */ INSERT INTO t /* b */ TRUNCATE")
    assert commits_implicitly("/* a */ -- b\n# c\n TRUNCATE t")


def test_our_own_end_is_none() -> None:
    transaction = that_wrote()

    transaction.forget()
    transaction.hear(CLOSED)

    transaction.check("main")


def test_one_that_began_anew_is_another() -> None:
    transaction = that_wrote()

    transaction.sql = "START TRANSACTION"
    transaction.hear(OPEN, FRESH)

    assert ended_by(transaction).committed


@pytest.mark.parametrize(("sql", "committed"), [("CREATE TABLE t (id INT)", True), ("COMMIT", None)])
def test_of_an_error_that_ended_it_the_statement_tells_what_is_stored(sql: str, committed: bool | None) -> None:
    transaction = that_wrote()

    transaction.sql = sql
    transaction.note_error(error(1180))
    transaction.hear(CLOSED, may_work=False)

    assert ended_by(transaction).committed is committed


@pytest.mark.parametrize(("sql", "committed"), [("SET autocommit = 1", True), ("CALL p()", None)])
def test_autocommit_ends_it(sql: str, committed: bool | None) -> None:
    transaction = that_wrote()

    transaction.sql = sql
    transaction.hear(AUTOCOMMIT)

    assert ended_by(transaction).committed is committed


@pytest.mark.parametrize("number", [1205, 1213])
def test_an_error_that_rolled_it_back_is_the_cause(number: int) -> None:
    transaction = that_wrote()

    transaction.note_error(error(number))
    transaction.hear(CLOSED, may_work=False)  # a ping

    ended = ended_by(transaction)
    assert not ended.committed
    assert ended.__cause__ is not None
    assert ended.__cause__.args[0] == number
    assert ended.__cause__.__traceback__ is None


@pytest.mark.parametrize("number", [1062, 1205])
def test_an_error_behind_which_it_is_still_open_ends_nothing(number: int) -> None:
    transaction = that_wrote()

    transaction.note_error(error(number))
    transaction.hear(OPEN, may_work=False)

    transaction.check("main")


def test_a_deadlock_ends_one_that_has_only_read() -> None:
    transaction = ServerTransaction()
    transaction.sql = "SELECT 1 FROM t"
    transaction.hear(OPEN, may_work=False)

    transaction.note_error(error(1213))
    transaction.hear(CLOSED, may_work=False)

    assert not ended_by(transaction).committed


@pytest.mark.parametrize(
    ("sql", "is_over"),
    [
        ("SELECT 1 FROM t", False),
        ("SELECT update_time, share FROM t", False),
        ("SELECT 1 FROM t FOR UPDATE", True),
        (b"select 1 from t for\n share", True),
        ("SELECT 1 FROM t LOCK IN SHARE MODE", True),
    ],
)
def test_ddl_ends_what_has_locked_and_not_what_has_read(sql: str | bytes, is_over: bool) -> None:
    transaction = ServerTransaction()
    transaction.sql = sql
    transaction.hear(OPEN, may_work=False)

    transaction.sql = "CREATE TABLE t (id INT)"
    transaction.hear(CLOSED)

    assert (transaction.ended is not None) is is_over


def test_a_temporary_table_ends_nothing() -> None:
    transaction = that_wrote()

    transaction.hear(OPEN, MADE_TEMPORARY_TABLE)
    transaction.hear(OPEN, WROTE)

    transaction.check("main")


def test_an_autocommit_that_a_statement_switched_on_is_an_end() -> None:
    transaction = ServerTransaction()

    transaction.hear(AUTOCOMMIT)

    assert "autocommit" in str(ended_by(transaction))


@pytest.mark.parametrize("attribute", ["may_end", "is_managed"])
def test_where_it_may_end_it_does(attribute: str) -> None:
    transaction = that_wrote()
    setattr(transaction, attribute, attribute == "may_end")

    transaction.hear(CLOSED)

    transaction.check("main")


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        (b"", Changes()),
        (b"\x00\x00", Changes()),
        (b"\x00\x0b\x05\t\x08I___W___", Changes(b"I___W___")),
        (b"\x03abc\x0b\x05\t\x08T_______", Changes(b"T_______")),
        (b"\x00\x13\x01\x06\x05myexp\x05\t\x08I___W___", Changes(b"I___W___")),
        (b"\x00\x12\x00\x10\x0ctx_read_only\x02ON", Changes(reads_only=True)),
        (b"\x00\x1c\x00\x1a\x15transaction_read_only\x03OFF", Changes(reads_only=False)),
        (b"\x00\x1c\x00\x1a\x0ctx_isolation\x0cSERIALIZABLE", Changes(isolation="SERIALIZABLE")),
        (b"\xfc\x2c\x01" + b"x" * 300 + b"\x0b\x05\t\x08I___W___", Changes(b"I___W___")),
        (b"\x00\x1b\x00\x0e\nautocommit\x02ON\x05\t\x08________", Changes(b"________")),
    ],
)
def test_what_an_answer_tells_beside_its_status(message: bytes, changes: Changes) -> None:
    assert session_changes(message) == changes
