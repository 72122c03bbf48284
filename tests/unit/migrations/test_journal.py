"""Which statements are counted, and which failure means that a statement ran before."""

from __future__ import annotations

import pytest

from myfy_data.migrations.autogenerate_diff import described
from myfy_data.migrations.journal import is_counted, says_already_so


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "  select pg_sleep(1)",
        "/* why */ SELECT 1",
        "-- why\nSELECT 1",
        "SHOW TABLES",
        "PRAGMA foreign_key_check",
        "SET search_path TO x",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "SAVEPOINT a",
    ],
)
def test_what_reads_or_belongs_to_the_session_runs_every_time(statement: str) -> None:
    assert not is_counted(statement)


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE a (id int)", "INSERT INTO a SELECT 1", "WITH x AS (SELECT 1) INSERT INTO a", "DROP TABLE selects"],
)
def test_what_changes_something_is_counted(statement: str) -> None:
    assert is_counted(statement)


def test_the_first_comment_ends_where_it_ends() -> None:
    assert is_counted("/* copy */ INSERT INTO a /* all */ SELECT * FROM b")


@pytest.mark.parametrize("gap", ["/* a */ ", "-- a\n", " ", "/*"])
def test_many_comments_are_read_once(gap: str) -> None:
    """A pattern that goes back and tries again would double its work with each, and not come to an end."""
    assert is_counted(gap * 5_000 + "CREATE TABLE a (id int)")


class PostgreSQLError(Exception):
    """What asyncpg's adapter raises."""

    sqlstate = "42P07"


@pytest.mark.parametrize(
    ("dialect", "error", "answer"),
    [
        ("mysql", Exception(1050, "Table 'a' already exists"), True),
        ("mysql", Exception(1064, "You have an error in your SQL syntax"), False),
        ("postgresql", PostgreSQLError("exists"), True),
        ("postgresql", Exception("already exists"), False),
        ("sqlite", Exception("table a already exists"), True),
        ("sqlite", Exception("near NO: syntax error"), False),
    ],
)
def test_a_server_says_that_a_statement_ran_before(dialect: str, error: Exception, answer: bool) -> None:
    assert says_already_so(dialect, error) is answer


class Named:
    """A table, a column, an index or a constraint."""

    def __init__(self, name: str | None, table: object = None) -> None:
        self.name, self.table, self.columns = name, table, {"a": 1, "b": 2}

    def __str__(self) -> str:
        return str(self.name)


@pytest.mark.parametrize(
    ("difference", "line"),
    [
        (("add_table", Named("users")), "add table users"),
        (("add_column", None, "users", Named("age")), "add column users.age"),
        (("add_index", Named("ix", Named("users"))), "add index ix on users"),
        (("add_constraint", Named(None, Named("users"))), "add constraint (a, b) on users"),
        ([("modify_nullable", None, "users", "age", {}, True, False)], "modify nullable users.age: True -> False"),
    ],
)
def test_a_difference_is_one_line(difference: object, line: str) -> None:
    assert described(difference) == line
