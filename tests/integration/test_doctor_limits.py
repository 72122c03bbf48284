"""`doctor` on what servers limit: connections of a role or an account, and time (contract C12.6)."""

from __future__ import annotations

import pytest

from tests.integration.test_capacity import as_user, mariadb, narrow
from tests.integration.test_doctor import look, run, told, write
from tests.sandbox import Sandbox
from tests.servers import Server

__all__ = ["mariadb", "narrow"]


@pytest.mark.parametrize(("user", "database", "words"), [("few", "postgres", "5 of the role"), ("app", "small", "7")])
def test_a_limit_of_the_role_or_of_the_database(
    project: Sandbox, narrow: Server, user: str, database: str, words: str
) -> None:
    write(project, as_user(narrow, user, database))
    finding = look(project, "connections")

    assert finding is not None
    assert (finding.status, words in finding.message) == ("warn", True)


def test_mysqls_limits_of_the_server_and_of_the_account(project: Sandbox, mariadb: Server) -> None:
    write(project, as_user(mariadb, "root", "shop"), "pool_size = 30\n")
    server = look(project, "connections")
    write(project, as_user(mariadb, "few", "shop"))
    account = look(project, "connections")
    assert server is not None
    assert account is not None
    write(project, as_user(mariadb, "few", "shop"), account.fix.partition(" (")[0].replace(", ", "\n"))

    assert (server.status, account.status) == ("warn", "warn")
    assert "limit 20 of the server" in server.message
    assert "limit 5 of the role" in account.message
    assert told(project, "connections") == ("ok", "")


def test_a_mysql_in_production_that_limits_nothing(project: Sandbox, mariadb: Server) -> None:
    write(project, as_user(mariadb, "root", "shop"), 'tls = "disable"\n', environment="production")
    statuses = []
    for _ in range(3):
        status, fix = told(project, "timeouts")
        statuses.append(status)
        if fix:
            run(as_user(mariadb, "root", "shop"), fix)

    assert statuses[0] == "warn"
    assert statuses[-1] == "ok", "each fix mends one"
