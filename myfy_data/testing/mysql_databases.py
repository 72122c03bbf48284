"""MySQL and MariaDB: what a test has committed is deleted again, out of a template that no test writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.testing.databases import TestDatabase, renamed
from myfy_data.testing.leftovers import is_leftover, is_ours, mark
from myfy_data.testing.running import Isolation

MARKER = "myfy_data_test_marker"
"""Table by which a database of ours says what it is."""

_MAINTENANCE = "information_schema"
_LOCK = "SELECT GET_LOCK('myfy_data_test', 60)"
_TABLES = (
    "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '{}' AND table_name <> '{}'"
)
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = '{}' AND table_name = '{}'"
    " AND COALESCE(generation_expression, '') = '' ORDER BY ordinal_position"
)
_ROUNDS = 3
"""How often rows are put back: a trigger may write while they are."""


class MySQLDatabase(TestDatabase):
    """A database of a MySQL or MariaDB server."""

    default: Isolation = "delete"
    maintenance = _MAINTENANCE

    _base = ""
    _own = ""
    _template = ""
    _tables: frozenset[str] = frozenset()

    async def prepare(self) -> None:
        """Make sure that the configured database is there, at its schema, with the rows of its migrations."""
        self._base = self.name
        async with self.server() as server:
            await server.exec_driver_sql(_LOCK)
            await self.drop_leftovers(server)
            await server.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS {_quoted(self.name)}")
            await self._make_template(server)
            if self.worker:
                self._base = await self._copy(server)
            elif self.schema.is_ours:
                await self.schema.apply(self.profile, self.configured)
                await self._restore(server)
            self._tables = frozenset(await _tables(server, self._base))

    async def begin(self, isolation: Isolation) -> Mapping[str, object]:
        """The base, whose rows are deleted afterwards, or a copy."""
        if isolation != "database":
            return {"database": self._base}
        async with self.server() as server:
            self._own = await self._copy(server)
        return {"database": self._own}

    async def end(self, isolation: Isolation, *, is_altered: bool) -> None:
        """Put back the rows that the template has; all tables, when a statement changed the schema."""
        async with self.server() as server:
            if isolation == "database":
                name, self._own = self._own, ""
                await server.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(name)}")
            elif is_altered:
                await self._rebuild(server)
            else:
                await self._restore(server)

    async def close(self) -> None:
        """Drop what was made for this run."""
        made = [name for name in (self._own, self._base, self._template) if name.startswith(self.run_prefix)]
        async with self.server() as server:
            for name in made:
                await server.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(name)}")

    # -- the template --------------------------------------------------------------------------------------------------

    async def _make_template(self, server: AsyncConnection) -> None:
        """Find or make the database that holds what each test begins with."""
        if not self.schema.is_ours:
            self._template = self.run_name()  # what the configured database holds now
            await self._fill(server, self.name, self._template, mark("run"))
            return
        self._template = self.template_name
        for found in await _databases(server, self.template_prefix):
            comment = await _marker(server, found)
            if found == self._template and is_ours(comment, "template"):
                return
            is_unfinished = found == self._template and not await _tables(server, found)  # its maker was killed
            if comment is not None or is_unfinished:
                await server.exec_driver_sql(f"DROP DATABASE {_quoted(found)}")
        await server.exec_driver_sql(f"CREATE DATABASE {_quoted(self._template)}")
        await _set_marker(server, self._template, mark("draft"))
        await self.schema.apply(self.profile, renamed(self.configured, self._template))
        await _set_marker(server, self._template, mark("template"))

    async def _copy(self, server: AsyncConnection) -> str:
        name = self.run_name()
        await self._fill(server, self._template, name, mark("run"))
        return name

    async def _fill(self, server: AsyncConnection, source: str, name: str, comment: str) -> None:
        await server.exec_driver_sql(f"CREATE DATABASE {_quoted(name)}")
        await _set_marker(server, name, comment)
        await _copy_tables(server, source, name)

    async def drop_leftovers(self, server: AsyncConnection) -> None:
        """Drop what a run that was killed has left."""
        for name in await _databases(server, self.run_prefix):
            if is_leftover(await _marker(server, name)):
                await server.exec_driver_sql(f"DROP DATABASE IF EXISTS {_quoted(name)}")

    # -- taking back ---------------------------------------------------------------------------------------------------

    async def _restore(self, server: AsyncConnection) -> None:
        tables = [name for name, kind in (await _tables(server, self._template)).items() if kind == "BASE TABLE"]
        await server.exec_driver_sql("SET foreign_key_checks = 0, unique_checks = 0")
        for _ in range(_ROUNDS):
            changed = await self._changed(server, tables)
            for table in changed:
                await server.exec_driver_sql(f"DELETE FROM {_quoted(self._base)}.{_quoted(table)}")  # noqa: S608 - quoted
                await _copy_rows(server, self._template, self._base, table)
            if not changed:
                return

    async def _changed(self, server: AsyncConnection, tables: Sequence[str]) -> list[str]:
        """The tables whose rows are not those of the template, by the server's own sums."""
        if not tables:
            return []
        both = [f"{_quoted(name)}.{_quoted(table)}" for name in (self._base, self._template) for table in tables]
        rows = (await server.exec_driver_sql(f"CHECKSUM TABLE {', '.join(both)}")).all()
        sums = [row[-1] for row in rows]
        return [
            table
            for table, mine, its in zip(tables, sums[: len(tables)], sums[len(tables) :], strict=True)
            if mine != its
        ]

    async def _rebuild(self, server: AsyncConnection) -> None:
        """Make every table anew, less those that stood in the configured database before and are none of ours."""
        ours = await _tables(server, self._template)
        await server.exec_driver_sql("SET foreign_key_checks = 0")
        for table, kind in (await _tables(server, self._base)).items():
            if table in ours or table not in self._tables:
                what = "VIEW" if kind == "VIEW" else "TABLE"
                await server.exec_driver_sql(f"DROP {what} {_quoted(self._base)}.{_quoted(table)}")
        await _copy_tables(server, self._template, self._base)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _said(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''").replace("%", "%%")


async def _databases(server: AsyncConnection, prefix: str) -> list[str]:
    rows = await server.exec_driver_sql("SELECT schema_name FROM information_schema.schemata")
    return [name for (name,) in rows.all() if name.startswith(prefix)]


async def _tables(server: AsyncConnection, database: str) -> dict[str, str]:
    rows = await server.exec_driver_sql(_TABLES.format(_said(database), MARKER))
    return {row[0]: row[-1] for row in sorted(rows.all())}


async def _marker(server: AsyncConnection, database: str) -> str | None:
    wanted = f"table_schema = '{_said(database)}' AND table_name = '{MARKER}'"
    row = (
        await server.exec_driver_sql(f"SELECT table_comment FROM information_schema.tables WHERE {wanted}")  # noqa: S608 - quoted
    ).first()
    return None if row is None else str(row[0])


async def _set_marker(server: AsyncConnection, database: str, comment: str) -> None:
    table = f"{_quoted(database)}.{MARKER}"
    await server.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {table} (nothing INT)")
    await server.exec_driver_sql(f"ALTER TABLE {table} COMMENT = '{_said(comment)}'")


async def _copy_tables(server: AsyncConnection, source: str, target: str) -> None:
    """Copy tables with their rows, then views and triggers."""
    await server.exec_driver_sql("SET foreign_key_checks = 0, unique_checks = 0")
    await server.exec_driver_sql(f"USE {_quoted(target)}")
    tables = await _tables(server, source)
    for table in (name for name, kind in tables.items() if kind == "BASE TABLE"):
        await _create_like(server, "TABLE", source, table, column=1)
        await _copy_rows(server, source, target, table)
    for table in (name for name, kind in tables.items() if kind == "VIEW"):
        await _create_like(server, "VIEW", source, table, column=1)
    rows = await server.exec_driver_sql(
        f"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '{_said(source)}'"  # noqa: S608 - quoted
    )
    for (trigger,) in rows.all():
        await _create_like(server, "TRIGGER", source, trigger, column=2)
    await server.exec_driver_sql(f"USE {_MAINTENANCE}")


async def _create_like(server: AsyncConnection, what: str, source: str, name: str, *, column: int) -> None:
    row = (await server.exec_driver_sql(f"SHOW CREATE {what} {_quoted(source)}.{_quoted(name)}")).one()
    statement = str(row[column]).replace(f"{_quoted(source)}.", "")
    await server.exec_driver_sql(statement.replace("%", "%%"))


async def _copy_rows(server: AsyncConnection, source: str, target: str, table: str) -> None:
    rows = await server.exec_driver_sql(_COLUMNS.format(_said(source), _said(table)))
    columns = ", ".join(_quoted(name).replace("%", "%%") for (name,) in rows.all())
    there, here = (f"{_quoted(name)}.{_quoted(table)}" for name in (source, target))
    await server.exec_driver_sql(f"INSERT INTO {here} ({columns}) SELECT {columns} FROM {there}")  # noqa: S608 - quoted
