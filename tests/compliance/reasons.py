"""Why a test of SQLAlchemy may have another verdict on engines of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass

EVERY = ("sqlite", "postgresql", "mysql")


@dataclass(frozen=True)
class Reason:
    """Why some tests differ.

    Attributes:
        pattern: a regular expression that is found in the names of these tests.
        text: what the page says.
        databases: where it holds.
        says: a regular expression that is found in what the test said.
    """

    pattern: str
    text: str
    databases: tuple[str, ...] = EVERY
    says: str = ""

    def fits(self, database: str, test: str, said: str) -> bool:
        """Whether it is the reason of a test's difference on a database."""
        found = re.search(self.pattern, test) and re.search(self.says, said)
        return database in self.databases and found is not None


REASONS = (
    Reason(
        r"::ServerSideCursorsTest\b.*::(test_roundtrip_fetch|test_ss_cursor_status\[(for_update|global|stmt_option_dis))",
        "`create_engine(server_side_cursors=True)`: SQLAlchemy's own `create_async_engine` refuses it, and ours "
        "are made by it. The option `stream_results` does the same for each statement.",
    ),
    Reason(
        r"::IsolationLevelTest::test_invalid_level_engine_param$",
        "An unknown isolation level is refused by the profile, before SQLAlchemy sees it.",
    ),
    Reason(
        r"test_transaction\.py::IsolationLevelTest::(test_engine_param_stays|test_reset_level_with_setting)$",
        '`isolation_level = "READ UNCOMMITTED"` is refused: every transaction on SQLite is SERIALIZABLE.',
        ("sqlite",),
    ),
    Reason(
        r"test_logging\.py::(LoggingTokenTest|LoggingNameTest::test_(un)?named_logger_echoflags_execute)\b",
        "`echo=\"debug\"`: a profile's `echo` and `echo_pool` are true or false. SQLAlchemy's loggers have levels.",
    ),
    Reason(
        r"::ExecutionOptionsTest::test_initialize_rollback$",
        "What SQLAlchemy asks on the first connection ends with a roll back; ours is within `connect_timeout`, and "
        "SQLAlchemy's own after it has nothing left to send.",
        ("postgresql", "mysql"),
    ),
    Reason(
        "",
        "MariaDB commits by itself when a table is created or dropped. What comes after that in a transaction that had "
        "written is refused until it is rolled back (`TransactionEndedError`).",
        ("mysql",),
        says=r"TransactionEndedError: .*: (DROP|CREATE|ALTER|TRUNCATE) ended it",
    ),
    Reason(
        r"::(KeyTargetingTest|BindProcessorInsertValuesTest|DeleteReturnDefaultsTest|SequenceExecTest)::",
        "In the way stands a table that another test could not drop, for the reason of the line above.",
        ("mysql",),
        says=r"Unknown column|already exists|doesn't exist",
    ),
    Reason(
        "",
        "aiomysql 0.3.2 with this PyMySQL cannot send bytes; ours can.",
        ("mysql",),
        says=r"in escape\n +return escape_bytes_prefixed\(obj\)\n[ ^]+\nE   TypeError: 'str' object is not callable",
    ),
    Reason(
        r"::DialectTest::test_ensure_version_is_qualified$",
        "A `do_connect` listener may change what the driver is told, and not bring a connection of its own (ADR 24).",
        ("postgresql",),
    ),
    Reason(
        r"::AsyncEngineTest::test_connection_info$",
        "The `info` of a connection also holds since when it is open and when it is replaced (`myfy_birth`).",
    ),
    Reason(
        r"::AsyncEngineTest::test_pool_exhausted_no_timeout$",
        "`pool_timeout = 0` is refused: it must be more than 0.",
    ),
    Reason(
        r"::AsyncEngineTest::test_create_async_engine_server_side_cursor$",
        "`server_side_cursors` is refused as SQLAlchemy refuses it, by a `ConfigError` that says what to do.",
    ),
    Reason(
        "",
        "One transaction writes at a time, and others stand in a queue (ADR 8, ADR 22). These tests hold a connection "
        "that wrote, or one of another engine, and write with a second one in the same task.",
        ("sqlite",),
        says=r"WriterQueueTimeout",
    ),
    Reason(
        "",
        "A session that has only read gives its turn to write away, and is over when it wants to write and the "
        "database has changed since. A plain engine has begun no transaction there.",
        ("sqlite",),
        says=r"TransactionEndedError: .*it had only read when it gave its turn to write away",
    ),
    Reason(
        r"::VersioningTest::test_(save_update|versioncheck)$",
        "A session sees one state of the database from its first read on, `with_for_update` included: a version that "
        "is out of date is refused where it is written, not where it is read. A plain engine reads anew each time.",
        ("sqlite",),
        says="Callable did not raise an exception",
    ),
    Reason(
        r"::KeywordInDatabaseNameTest::test_reflect$",
        "A transaction has the file's lock from its start; the same file, attached once more, is locked for it.",
        ("sqlite",),
    ),
    Reason(
        r"::AsyncPgTest::test_failed_(begin|rollback)_recover$",
        "The driver's connection stands in the session's transaction: a BEGIN or a ROLLBACK through it is no surprise, "
        "and the error that these tests wait for does not come.",
        ("postgresql",),
    ),
    Reason(
        r"::MiscBackendTest::test_asyncpg_transactional_ping\[False\]$",
        "It looks at the adapter's private `_transaction`: a ping of ours begins none.",
        ("postgresql",),
    ),
)
"""The first that fits counts."""
