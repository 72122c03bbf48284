"""What a server says of itself, against what its profile expects, in a read-only session."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.capacity.report import ServerCapacity, read_capacity
from myfy_data.cli.doctor.certificate import certificate_end, certificate_findings
from myfy_data.cli.doctor.finding import Finding
from myfy_data.engines.pool.status import PingResult
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DatabaseConnectionError
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings

SUPPORT_ENDS: dict[str, date] = {
    "PostgreSQL 13": date(2025, 11, 13),
    "PostgreSQL 14": date(2026, 11, 12),
    "PostgreSQL 15": date(2027, 11, 11),
    "PostgreSQL 16": date(2028, 11, 9),
    "PostgreSQL 17": date(2029, 11, 8),
    "PostgreSQL 18": date(2030, 11, 14),
    "MariaDB 10.6": date(2026, 7, 6),
    "MariaDB 10.11": date(2028, 2, 16),
    "MariaDB 11.4": date(2029, 5, 29),
    "MariaDB 11.8": date(2028, 6, 4),
    "MySQL 8.0": date(2026, 4, 30),
    "MySQL 8.4": date(2032, 4, 30),
}
"""The last day on which its makers mend a version; those that are not here are not judged."""

SKEW: float = 5.0
"""Seconds that the server's clock may be away from ours."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one server says.

    Attributes:
        now: its clock, in seconds since 1970.
        encrypted: whether our connection is.
        timeouts: its own limits by name, in its words; those that are off are "0".
        is_pooled: whether something between us and it hands its connections around.
        statements: whether it keeps statistics of statements; None where it has no extension for it.
    """

    now: float
    encrypted: bool
    timeouts: dict[str, str]
    is_pooled: bool = False
    statements: bool | None = None


async def server_findings(registry: EngineRegistry, settings: DataSettings, ping: PingResult) -> list[Finding]:
    """The findings about a profile's server; SQLite has none.

    Raises:
        DatabaseConnectionError: it stopped answering.
    """
    name = ping.profile
    profile = settings.profiles[name]
    ask = _ASK.get(profile.url.backend)
    if ask is None:
        return []
    try:
        async with registry.get(name, read_only=True).connect() as connection:
            answers = await ask(connection)
            end = await certificate_end(registry, name, connection)
            here = now()
        capacities = await read_capacity(settings, registry, [name])
    except SQLAlchemyError as error:
        reason = f"it answers a ping and no question: {type(error).__name__}"
        raise DatabaseConnectionError(name, "its server", reason) from error
    return [
        _role(ping),
        _version(ping, today()),
        tls_finding(name, profile, answers, end),
        *certificate_findings(name, "server", end, here),
        _clock(name, answers.now - here),
        *(connections_finding(name, capacity) for capacity in capacities),
        *_timeouts(settings, name, answers),
        *_pooler(name, profile, answers),
        *_statistics(settings, name, answers),
    ]


def today() -> date:
    """The day by which support is judged."""
    return datetime.now(tz=UTC).date()


def now() -> float:
    """Seconds since 1970, by this machine's clock."""
    return time.time()


async def _postgresql(connection: AsyncConnection) -> Answers:
    row = (await connection.execute(text(_POSTGRESQL))).one()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    timeouts = {"statement_timeout": row[1], "idle_in_transaction_session_timeout": row[2]}
    pooled = driver.get_server_pid() != row[4]
    return Answers(float(row[0]), bool(row[3]), timeouts, pooled, bool(row[5]))


_POSTGRESQL = """
    SELECT extract(epoch FROM clock_timestamp()), current_setting('statement_timeout'),
        current_setting('idle_in_transaction_session_timeout'),
        (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), pg_backend_pid(),
        EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements')
"""


async def _mysql(connection: AsyncConnection) -> Answers:
    time_there = (await connection.execute(text("SELECT unix_timestamp(now(6))"))).scalar_one()
    cipher = (await connection.execute(text("SHOW SESSION STATUS LIKE 'Ssl_cipher'"))).one()
    found = (await connection.execute(text(_MYSQL_TIMEOUTS))).all()
    timeouts = {name: value.rstrip("0").rstrip(".") if "." in value else value for name, value in found}
    return Answers(float(time_there), bool(cipher[1]), timeouts)


_MYSQL_TIMEOUTS = """
    SHOW GLOBAL VARIABLES WHERE variable_name IN
        ('max_statement_time', 'max_execution_time', 'idle_transaction_timeout', 'wait_timeout')
"""

_ASK: dict[str, Callable[[AsyncConnection], Awaitable[Answers]]] = {"postgresql": _postgresql, "mysql": _mysql}


def _role(ping: PingResult) -> Finding:
    if ping.writable is False:
        message = "the server takes no writes, and the profile is not read_only"
        return Finding("role", ping.profile, "fail", message, f"profiles.{ping.profile}.read_only = true")
    return Finding("role", ping.profile, "ok", "takes writes" if ping.writable else "is read, and not written to")


def _version(ping: PingResult, day: date) -> Finding:
    product, _, number = ping.server.partition(" ")
    parts = number.split(".")
    known = [f"{product} {'.'.join(parts[:length])}" for length in (2, 1)]
    ends = next((SUPPORT_ENDS[each] for each in known if each in SUPPORT_ENDS), None)
    if ends is not None and ends < day:
        message = f"{ping.server} has not been mended by its makers since {ends.isoformat()}"
        return Finding("version", ping.profile, "warn", message, "plan the update to a version that is mended")
    return Finding("version", ping.profile, "ok", f"{ping.server} is supported until {ends}" if ends else ping.server)


def tls_finding(name: str, profile: DatabaseSettings, answers: Answers, end: float | None = None) -> Finding:
    """Whether what goes to the server can be read on the way.

    Args:
        name: the profile's name.
        profile: its settings.
        answers: what its server says.
        end: when its certificate ends; None where nothing verifies one.
    """
    if answers.encrypted and end is not None:
        return Finding("tls", name, "ok", "the connection is encrypted, and the server's certificate verified")
    words = "encrypted, and nothing verifies who answers" if answers.encrypted else "not encrypted"
    if profile.url.is_loopback:
        return Finding("tls", name, "ok", f"the connection is {words}, and does not leave this machine")
    message = f"the connection is {words}, and leaves this machine"
    return Finding("tls", name, "warn", message, f'profiles.{name}.tls = "verify-full"')


def _clock(name: str, skew: float) -> Finding:
    if abs(skew) > SKEW:
        message = f"the server's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
        return Finding("clock", name, "warn", message, "timedatectl set-ntp true")
    return Finding("clock", name, "ok", "the server's clock is this machine's")


def connections_finding(name: str, capacity: ServerCapacity) -> Finding:
    """Whether a server takes what all processes may open of this profile alone (contract C11.7)."""
    if capacity.fits:
        return Finding("connections", name, "ok", str(capacity))
    if capacity.needed is None:
        message = f"max_overflow is -1: nothing keeps the application below the {capacity.of_limit}"
        return Finding("connections", name, "warn", message, f"profiles.{name}.max_overflow = 10")
    return Finding("connections", name, "warn", str(capacity), capacity.fix)


def _timeouts(settings: DataSettings, name: str, answers: Answers) -> Iterator[Finding]:
    off = [limit for limit, value in answers.timeouts.items() if value == "0"]
    if off and settings.blocks_auto_create:
        message = f"the server itself limits nothing: {', '.join(off)} off"
        yield Finding("timeouts", name, "warn", message, _limit_fix(settings.profiles[name], off[-1]))
    else:
        yield Finding("timeouts", name, "ok", ", ".join(f"{key} {value}" for key, value in answers.timeouts.items()))


def _limit_fix(profile: DatabaseSettings, limit: str) -> str:
    """The statement that sets a limit of a minute."""
    if profile.url.backend == "postgresql":
        return f"ALTER DATABASE {profile.url.database} SET {limit} = '60s'"
    return f"SET GLOBAL {limit} = {60000 if limit == 'max_execution_time' else 60}"


def _pooler(name: str, profile: DatabaseSettings, answers: Answers) -> Iterator[Finding]:
    if answers.is_pooled and profile.pooler == "none":
        message = "something between hands the server's connections around, and pooler is 'none'"
        yield Finding("pooler", name, "fail", message, f'profiles.{name}.pooler = "pgbouncer"')


def _statistics(settings: DataSettings, name: str, answers: Answers) -> Iterator[Finding]:
    if answers.statements is False and settings.blocks_auto_create:
        message = "pg_stat_statements is not there, so nothing tells which statements cost the most"
        yield Finding("statistics", name, "warn", message, "CREATE EXTENSION pg_stat_statements")
