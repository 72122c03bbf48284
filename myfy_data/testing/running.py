"""One test that uses databases: what it may use, and why it fails although nothing was raised (contract C13.2)."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from myfy_data.engines.pool.loop_affinity import running_loop
from myfy_data.errors import SessionError
from myfy_data.telemetry.places import users_place
from myfy_data.testing.statements import Statement, StatementLog

Isolation = Literal["transaction", "delete", "database"]

_STORES = re.compile(r"\s*(?:insert|update|delete|merge|replace)\b", re.IGNORECASE)

FIX = '@pytest.mark.data(isolation="database")'


@dataclass(slots=True, eq=False)
class RunningTest:
    """A test, from its first fixture to its last one.

    Attributes:
        name: the test's name.
        isolation: how each declared profile is taken back.
        same: the profile on whose connection another one stands, for profiles of one database.
        log: hears every statement.
        failures: why the test fails.
        hints: what was refused, told when the test fails: a host answers 500 and keeps the error to its log.
        ddl: statements on MySQL that changed the schema, and so stored what came before.
        rules: what is refused on purpose; see `refusals`.
        told: how many of the failures were told.
        wider_fixture: the fixture that is being set up, where it outlives the test.
    """

    name: str
    isolation: Mapping[str, Isolation]
    same: Mapping[str, str] = field(default_factory=dict)
    log: StatementLog = field(default_factory=StatementLog)
    failures: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    ddl: set[str] = field(default_factory=set)
    rules: list[Any] = field(default_factory=list)
    told: int = 0
    wider_fixture: str | None = None
    _thread: int = field(default_factory=threading.get_ident)
    _loop: asyncio.AbstractEventLoop | None = None

    def fail(self, message: str) -> None:
        """Fail the test, whatever the application makes of it; said once."""
        if message not in self.failures:
            self.failures.append(message)

    def note(self, profile: str, sql: str) -> None:
        """A statement of the application is about to be sent.

        Raises:
            SessionError: a fixture that outlives the test would store rows, which the test's end takes back.
        """
        if self.wider_fixture is not None and _STORES.match(sql):
            message = f"fixture {self.wider_fixture} stores rows, which are gone after the first test that uses it"
            raise SessionError(profile, f"{message}\n  fix: scope='function', or store them in a migration")
        if self.log.is_listening:
            self.log.tell(Statement(profile, sql, users_place()))

    def refuse_undeclared(self, profile: str) -> SessionError:
        """Fail the test for a profile that it does not declare; the error for its user."""
        declared = " ".join((*self.isolation, profile))
        marked = ", ".join(f'"{name}"' for name in (*self.isolation, profile))
        message = (
            f"{self.name} used profile {profile!r}, which it does not declare ({users_place()})\n"
            f'  fix: @pytest.mark.data({marked}), or myfy_data_profiles = "{declared}"'
        )
        self.fail(message)
        return SessionError(profile, message)

    def check_loop(self, profile: str) -> None:
        """Refuse a second event loop in a transaction: a connection belongs to one.

        Raises:
            SessionError: the loop is another thread's, or the second one of the test.
        """
        loop = running_loop()
        if self.isolation.get(profile) != "transaction" or loop is None:
            return
        if threading.get_ident() != self._thread:
            message = "another thread's event loop cannot stand in the test's own transaction"
            raise self.refusal(profile, f"{message}\n  fix: call the application in the test's own loop, or {FIX}")
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            message = "a second event loop cannot stand in the test's own transaction"
            raise self.refusal(profile, f"{message}\n  fix: use one loop for the whole test, or {FIX}")

    def refusal(self, profile: str, message: str) -> SessionError:
        """The error of what cannot be isolated, told again should the test fail."""
        error = SessionError(profile, message)
        if str(error) not in self.hints:
            self.hints.append(str(error))
        return error
