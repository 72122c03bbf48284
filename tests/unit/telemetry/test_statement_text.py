"""What is shown of a statement holds no literal, whatever the database takes for one (contract C12.2)."""

from __future__ import annotations

import pytest

from myfy_data.telemetry.statement_text import statement_text

CANARY = "canary7531"
ALL = ("postgresql", "mysql", "sqlite")


@pytest.mark.parametrize("database", ALL)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM t WHERE a = 'canary7531'",
        "SELECT * FROM t WHERE a = 'it''s canary7531'",
        "SELECT * FROM t WHERE a = 'canary7531",
        "SELECT * FROM t WHERE a = 'x\\' AND b = 'canary7531'",
        "SELECT * FROM t WHERE a = E'x\\' canary7531'",
        "SELECT 1 -- canary7531",
        "SELECT 1 -- it's\n, 'canary7531'",
        "SELECT /* canary7531 */ 1",
        "SELECT /* 'canary7531 */ 1, 'canary7531'",
        "SELECT 1 /* canary7531",
        "SELECT N'canary7531', X'canary7531', U&'canary7531'",
        "SET some.setting = canary7531",
        "SET application_name TO canary7531",
        "PRAGMA key = canary7531",
        "PRAGMA key(canary7531)",
        "INSERT INTO t (a) VALUES ('canary7531'), ('b')",
        "SELECT 'a', 'canary7531' FROM \"t\" WHERE \"t\".\"b\" = 'canary7531'",
        "\n\n SELECT\n'canary7531'",
    ],
)
def test_no_literal_is_shown(sql: str, database: str) -> None:
    shown = statement_text(sql, database)

    assert CANARY not in f"{shown.text} {shown.summary} {shown.operation}"


@pytest.mark.parametrize(
    ("sql", "database"),
    [
        ('SELECT * FROM t WHERE a = "canary7531"', "mysql"),
        ('SELECT * FROM t WHERE a = "it\\"s canary7531"', "mysql"),
        ('SELECT * FROM t WHERE a = "canary7531"', "sqlite"),
        ('SELECT "canary7531"', "sqlite"),
        ("SELECT 1 # canary7531", "mysql"),
        ("SELECT 5--1, 'canary7531'", "mysql"),
        ("SELECT _utf8mb4'canary7531'", "mysql"),
        ("SELECT /* /* */ 'a */ canary7531'", "mysql"),
        ("SELECT /* /* canary7531 */ canary7531 */ 1", "postgresql"),
        ("SELECT $$canary7531$$, $tag$ canary7531 $tag$", "postgresql"),
        ("SELECT $$canary7531", "postgresql"),
    ],
)
def test_no_literal_of_one_database_is_shown(sql: str, database: str) -> None:
    assert CANARY not in statement_text(sql, database).text


@pytest.mark.parametrize("database", ALL)
@pytest.mark.parametrize("number", ["7531", "75.31", "7e31", "0x7531", "-7531", "7_531"])
def test_no_number_is_shown(number: str, database: str) -> None:
    text = statement_text(f"SELECT * FROM t1 WHERE a = {number}", database).text

    assert "31" not in text
    assert "t1" in text


@pytest.mark.parametrize(
    ("sql", "summary"),
    [
        ("SELECT items.id FROM items WHERE items.id = $1", "SELECT items"),
        ('select * from "order" where "order".id = 1', "SELECT order"),
        ("INSERT INTO shop.items (a) VALUES (%s)", "INSERT shop.items"),
        ("UPDATE items SET a = ?", "UPDATE items"),
        ("DELETE FROM items", "DELETE items"),
        ("WITH old AS (SELECT 1 FROM b) DELETE FROM items USING old", "DELETE items"),
        ("COMMIT", "COMMIT"),
        ("SELECT 1", "SELECT"),
        ("CREATE TABLE IF NOT EXISTS items (a int)", "CREATE items"),
        ("  \n", "STATEMENT"),
    ],
)
def test_a_summary_is_operation_and_table(sql: str, summary: str) -> None:
    assert statement_text(sql, "postgresql").summary == summary


def test_lists_of_any_length_have_one_fingerprint() -> None:
    short = statement_text("SELECT * FROM t WHERE id IN ($1::INTEGER, $2::INTEGER)", "postgresql")
    two, three = (statement_text(f"SELECT * FROM t WHERE id IN ({marks})", "sqlite") for marks in ("?, ?", "?, ?, ?"))
    rows = [statement_text(f"INSERT INTO t VALUES {values}", "mysql") for values in ("(%s, 1)", "(%s, 1), (%s, 2)")]

    assert two == three
    assert two.text == "SELECT * FROM t WHERE id IN (?)"
    assert rows[0].fingerprint == rows[1].fingerprint
    assert short.text.count("?") <= 2


def test_other_statements_have_other_fingerprints() -> None:
    assert (
        statement_text("SELECT a FROM t", "sqlite").fingerprint
        != statement_text("SELECT b FROM t", "sqlite").fingerprint
    )


def test_a_long_statement_is_cut() -> None:
    shown = statement_text("SELECT " + ", ".join(f"a{n}" for n in range(100_000)), "postgresql")

    assert len(shown.text) <= 2000


def test_a_cast_is_no_parameter() -> None:
    assert statement_text("SELECT a::text, ARRAY[5] FROM t", "postgresql").text == "SELECT a::text, ARRAY[?] FROM t"
