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
    """

    pattern: str
    text: str
    databases: tuple[str, ...] = EVERY

    def fits(self, database: str, test: str) -> bool:
        """Whether it is the reason of a test's difference on a database."""
        return database in self.databases and re.search(self.pattern, test) is not None


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
        r"::CreatorCompatibilityTest::test_creator_(callable_outside_noarg|patching_arg_to_noarg)$",
        "These look at the pool's private `_creator`: ours wants the record for which it connects.",
    ),
    Reason(
        r"::EngineEventsTest::test_(execute_events|modify_parameters_from_event_two|modify_statement_clauseelement)$",
        "A table is dropped in a transaction that has written, and MariaDB commits by itself. The rest of such a "
        "transaction is refused until it is rolled back (`TransactionEndedError`).",
        ("mysql",),
    ),
)
"""The first that fits counts."""
