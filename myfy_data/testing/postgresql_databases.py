"""PostgreSQL: tests stand in the configured database, in a copy for each worker, or in a copy of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.engines.postgresql.sqlstates import DATABASE_EXISTS
from myfy_data.errors import DatabaseConnectionError
from myfy_data.servers.administration import on_connection
from myfy_data.testing.databases import TestDatabase, renamed
from myfy_data.testing.leftovers import is_leftover, is_ours, mark
from myfy_data.testing.running import Isolation

_LOCK = "SELECT pg_advisory_lock(7232407)"
"""One number for every run: making a template and copying it do not meet."""

MARKED = "CONNECTION LIMIT 7232407"
"""Says from its first moment that a database is ours, as a comment cannot; no server has so many connections."""

_LIST = """
SELECT datname, shobj_description(oid, 'pg_database'), datconnlimit = 7232407 FROM pg_database
WHERE starts_with(datname, :prefix)
"""


class PostgreSQLDatabase(TestDatabase):
    """A database of a PostgreSQL server."""

    maintenance = "postgres"

    _base: str | None = None
    _own: str | None = None

    async def prepare(self) -> None:
        """Make sure that the configured database is there and at its schema; a worker gets a copy in its place."""
        await self._create_configured()
        await self.drop_leftovers()
        if self.worker and self.schema.is_ours:
            self._base = await self._copy()
        else:
            await self.schema.apply(self.profile, self.configured)

    def standing(self, isolation: Isolation) -> Mapping[str, object] | None:
        """The base for a transaction, which ends with its connection."""
        return {"database": self._base or self.name} if isolation == "transaction" else None

    async def begin(self, isolation: Isolation) -> Mapping[str, object]:  # noqa: ARG002 - MySQL's
        """A copy."""
        self._own = await self._copy()
        return {"database": self._own}

    async def end(self, isolation: Isolation, *, is_altered: bool) -> None:  # noqa: ARG002 - MySQL's
        """Drop the copy."""
        if self._own is not None:
            name, self._own = self._own, None
            await self._drop(name)

    async def close(self) -> None:
        """Drop the copies."""
        await self.end("database", is_altered=False)
        if self._base is not None:
            await self._drop(self._base)

    # -- the configured database ---------------------------------------------------------------------------------------

    async def _create_configured(self) -> None:
        async def ask(connection: AsyncConnection) -> None:
            await connection.exec_driver_sql("SELECT 1")

        try:
            await on_connection(self.configured, ask, self.profile)
        except DatabaseConnectionError as error:
            if "there is no database" not in error.reason:
                raise
            await self._create(error)

    async def _create(self, missing: DatabaseConnectionError) -> None:
        try:
            async with self.server() as server:
                await server.exec_driver_sql(f"CREATE DATABASE {_quoted(self.name)}")
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in DATABASE_EXISTS:  # another worker was first
                raise missing from error

    # -- copies --------------------------------------------------------------------------------------------------------

    async def _copy(self) -> str:
        """A new database of this run, from the template."""
        async with self.server() as server:
            await server.exec_driver_sql(_LOCK)  # held by the connection
            source = await self._template(server) if self.schema.is_ours else self.name
            name = self.run_name()
            await server.exec_driver_sql(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(source)} {MARKED}")
            await self._comment(server, name, mark("run"))
            return name

    async def _template(self, server: AsyncConnection) -> str:
        """The name of the cached template, made when it is not there; one of another schema is dropped."""
        name = self.template_name
        for found, comment, is_marked in await self._list(server, self.template_prefix):
            if found == name and is_ours(comment, "template"):
                return name
            if is_ours(comment, "template") or is_ours(comment, "draft") or _is_unfinished(comment, is_marked):
                await server.exec_driver_sql(f"DROP DATABASE {_quoted(found)} WITH (FORCE)")
        await server.exec_driver_sql(f"CREATE DATABASE {_quoted(name)} {MARKED}")
        await self._comment(server, name, mark("draft"))
        await self.schema.apply(self.profile, renamed(self.configured, name))
        await self._comment(server, name, mark("template"))
        return name

    async def drop_leftovers(self) -> None:
        """Drop what a run that was killed has left."""
        async with self.server() as server:
            await server.exec_driver_sql(_LOCK)  # the process that makes one now has it
            for name, comment, is_marked in await self._list(server, self.run_prefix):
                if is_leftover(comment) or _is_unfinished(comment, is_marked):
                    await server.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    async def _drop(self, name: str) -> None:
        async with self.server() as server:
            await server.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    async def _list(self, server: AsyncConnection, prefix: str) -> Sequence[Row[str, str | None, bool]]:
        return (await server.execute(text(_LIST), {"prefix": prefix})).all()

    async def _comment(self, server: AsyncConnection, name: str, comment: str) -> None:
        said = comment.replace("'", "''")
        await server.exec_driver_sql(f"COMMENT ON DATABASE {_quoted(name)} IS '{said}'")


def _is_unfinished(comment: str | None, is_marked: bool) -> bool:  # noqa: FBT001 - as the server answers
    """Whether a database of ours has no comment although none is being made now: its maker was killed meanwhile."""
    return is_marked and comment is None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
