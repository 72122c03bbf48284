"""One process at a time migrates a database; the others wait (ADR 0012).

The lock lives on the connection that migrates, and so exactly as long as anything it does. A process that is killed
leaves its last statement running in the server; on a connection of its own the lock would be free before that ends.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.errors import MigrationError, MigrationLockError
from myfy_data.migrations.file_lock import FileLock, process_of
from myfy_data.migrations.report import Tell
from myfy_data.migrations.target import Target

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
"""Seconds between two tries. No try waits inside the server: a waiting statement has a snapshot, and `CREATE INDEX
CONCURRENTLY` of the lock's holder would wait for it to end."""

_NAME = "myfy-data migrations"
_KEY = int.from_bytes(hashlib.sha256(_NAME.encode()).digest()[:8], "big") >> 1
"""PostgreSQL's advisory locks are numbers, each database with its own; positive, so that `pg_locks` shows it as is."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a lock.

    Attributes:
        words: its description, as far as the database tells.
        ended_by: the statement or command that ends it; empty when unknown.
    """

    words: str
    ended_by: str = ""


class MigrationLock(ABC):
    """The right to migrate one database."""

    @abstractmethod
    async def try_acquire(self) -> bool:
        """Take the lock if it is free; asks once and does not wait."""

    @abstractmethod
    async def holder(self) -> Holder:
        """Its holder, as far as the database tells."""

    @abstractmethod
    async def release(self) -> None:
        """Give it back."""


class _PostgreSQLLock(MigrationLock):
    """A session's advisory lock: it outlives transactions, and ends with the session."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def try_acquire(self) -> bool:
        taken = await self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY})
        await self._connection.rollback()
        return bool(taken)

    async def holder(self) -> Holder:
        rows = await self._connection.execute(
            text(
                "SELECT a.pid, a.application_name, a.client_addr::text, a.query FROM pg_locks l"
                " JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database"
                " WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
                " AND (l.classid::bigint << 32) + l.objid::bigint = :key"
            ),
            {"key": _KEY},
        )
        row = rows.first()
        await self._connection.rollback()
        if row is None:
            return Holder("a session that the server does not name")
        who = f"{row[1] or 'a client'} (server process {row[0]}, from {row[2] or 'this machine'})"
        return Holder(_described(who, row[3]), f"SELECT pg_terminate_backend({row[0]})")

    async def release(self) -> None:
        await self._connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _KEY})
        await self._connection.rollback()


class _MySQLLock(MigrationLock):
    """A session's named lock. Names are the whole server's, so the database is part of it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _ask(self, function: str) -> object:
        # GET_LOCK takes 64 characters, so the database's name is digested.
        name = "CONCAT('myfy-data migrations ', LEFT(SHA2(LOWER(DATABASE()), 256), 40))"
        answer = await self._connection.scalar(text(f"SELECT {function.format(name)}"))
        await self._connection.rollback()
        return answer

    async def try_acquire(self) -> bool:
        return await self._ask("GET_LOCK({}, 0)") == 1

    async def holder(self) -> Holder:
        session = await self._ask("IS_USED_LOCK({})")
        rows = await self._connection.execute(
            text("SELECT user, host, info FROM information_schema.processlist WHERE id = :id"), {"id": session}
        )
        row = rows.first()
        await self._connection.rollback()
        if row is None:
            return Holder("a session that the server does not show us", f"KILL {session}" if session else "")
        who = f"{row[0]} from {row[1]} (server connection {session})"
        return Holder(_described(who, row[2]), f"KILL {session}")

    async def release(self) -> None:
        await self._ask("RELEASE_LOCK({})")


class _SQLiteLock(MigrationLock):
    """A file beside the database, locked by the operating system, which lets go of it when the process ends."""

    def __init__(self, database: str) -> None:
        self._file = FileLock(database)

    async def try_acquire(self) -> bool:
        return self._file.try_acquire()

    async def holder(self) -> Holder:
        holder = self._file.holder()
        process = process_of(holder)
        return Holder(holder, f"kill {process}" if process else "")

    async def release(self) -> None:
        self._file.release()


class _NoLock(MigrationLock):
    """A database in memory: no other connection has it."""

    async def try_acquire(self) -> bool:
        return True

    async def holder(self) -> Holder:
        return Holder("nobody")

    async def release(self) -> None:
        return


@asynccontextmanager
async def migration_lock(target: Target, connection: AsyncConnection, tell: Tell) -> AsyncIterator[None]:
    """Hold the lock of a database while the block runs.

    Args:
        target: the profile; its `migrations.lock_timeout` bounds the wait.
        connection: the connection that will migrate; it is in no transaction when the block begins.
        tell: called once, with the holder that is waited for.

    Raises:
        MigrationLockError: it was held for all of that time.
        MigrationError: a pooler stands in between, which cannot hold it.
    """
    lock = _lock_of(target, connection)
    await _acquire(target, lock, tell)
    try:
        yield
    finally:
        # A connection that broke, or whose task is cancelled, ends soon, and the lock with it.
        with suppress(SQLAlchemyError, OSError):
            if not connection.closed and not connection.invalidated:
                await connection.rollback()
                await lock.release()
            elif target.backend == "sqlite":
                await lock.release()


def _lock_of(target: Target, connection: AsyncConnection) -> MigrationLock:
    if target.backend == "sqlite":
        url = target.settings.url
        return _NoLock() if url.is_memory else _SQLiteLock(url.database or "")
    if target.settings.pooler == "pgbouncer":
        name = target.profile.replace("-", "_").upper()
        raise MigrationError(
            target.profile,
            "PgBouncer hands each transaction to another session, and the lock belongs to one",
            fix="migrate past it, with the server's own address in"
            f" MYFY_DATA_PROFILES__{name}__DATABASE_URL and MYFY_DATA_PROFILES__{name}__POOLER=none",
        )
    return _PostgreSQLLock(connection) if target.backend == "postgresql" else _MySQLLock(connection)


async def _acquire(target: Target, lock: MigrationLock, tell: Tell) -> None:
    started, pause, told = time.monotonic(), _FIRST_PAUSE, False
    timeout = target.settings.migrations.lock_timeout
    while not await lock.try_acquire():
        if time.monotonic() - started >= timeout:
            holder = await lock.holder()
            raise MigrationLockError(target.profile, waited=timeout, holder=holder.words, ended_by=holder.ended_by)
        if not told:
            tell(target.profile, f"waiting for {(await lock.holder()).words}, at most {timeout:g} s")
            told = True
        await asyncio.sleep(min(pause, max(0.0, started + timeout - time.monotonic())))
        pause = min(pause * 2, _LONGEST_PAUSE)


def _described(who: str, statement: str | None) -> str:
    doing = " ".join((statement or "").split())
    if not doing or "advisory" in doing:
        return who
    return f"{who}, whose last statement was: {doing[:120]}"
