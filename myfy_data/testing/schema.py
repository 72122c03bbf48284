"""What an empty test database gets: the migrations of its profile, the tables of a metadata, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateTable

from myfy_data.errors import ConfigError, Problem
from myfy_data.migrations.commands import upgrade
from myfy_data.migrations.metadata import put_on_path
from myfy_data.migrations.target import Target
from myfy_data.servers.administration import on_connection
from myfy_data.settings.database_settings import DatabaseSettings

_HASH = 8
"""Characters of a schema's hash in a database's name."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of one database.

    Attributes:
        target: the profile whose migrations make it; None where no migrations do.
        metadata: the tables that make it; None where none do.
    """

    target: Target | None = None
    metadata: MetaData | None = None

    @property
    def is_ours(self) -> bool:
        """Whether we make it, so that a template can be made of it."""
        return self.target is not None or self.metadata is not None

    async def apply(self, profile: str, settings: DatabaseSettings) -> None:
        """Bring a database to this schema.

        Raises:
            MigrationError: a revision failed.
        """
        if self.target is not None:
            (await upgrade(replace(self.target, settings=settings), "heads")).raise_failure()
        elif self.metadata is not None:
            metadata = self.metadata

            async def create(connection: AsyncConnection) -> None:
                await connection.run_sync(metadata.create_all)

            await on_connection(settings, create, profile)

    def hash(self) -> str:
        """What tells this schema from another one, for a name."""
        found = hashlib.sha256()
        for part in self._parts():
            found.update(part)
        return found.hexdigest()[:_HASH]

    def _parts(self) -> Iterator[bytes]:
        if self.target is not None:
            for path in sorted(Path(self.target.directory).rglob("*.py")):
                yield path.read_bytes()
        elif self.metadata is not None:
            for table in self.metadata.sorted_tables:
                yield f"{table.fullname} {CreateTable(table)} {[index.name for index in table.indexes]}".encode()


def import_metadata(path: str, root: Path) -> MetaData:
    """The metadata that `metadata:` of `myfy_data_schema` names.

    Args:
        path: `module:attribute`.
        root: pytest's root directory, from which it can be imported.

    Raises:
        ConfigError: what stands there is none.
    """
    put_on_path(root)
    name, _, attributes = path.partition(":")
    found: object = import_module(name)
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    if not isinstance(found, MetaData):
        message = f"{path!r} is a {type(found).__name__}, not a MetaData"
        fix = 'myfy_data_schema = "metadata:app.models:Base.metadata"'
        raise ConfigError([Problem("pyproject.toml", "myfy_data_schema", message, fix=fix)])
    return found
