"""The databases of a test session: what a test gets, and how it is taken back (contract C13.1, C13.3)."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from itertools import count

from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.servers.administration import server_connection
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.testing.running import Isolation
from myfy_data.testing.schema import Schema

_NAME_LIMIT = 34
"""Characters of a database's name that its copies keep: PostgreSQL cuts names at 63, and each copy says whose it is."""


def renamed(settings: DatabaseSettings, database: str) -> DatabaseSettings:
    """The same profile with another database of its server. Pure."""
    return settings.model_copy(update={"database": database})


class TestDatabase(ABC):
    """One database of a session, used by every profile that stands at its place.

    Args:
        profile: the profile that its schema belongs to.
        settings: that profile's settings, as they were loaded.
        schema: what an empty one gets.
        worker: the name of the xdist worker; empty without.
    """

    __test__ = False  # for pytest

    default: Isolation = "transaction"

    maintenance = ""
    """The database that every server of this kind has."""

    def __init__(self, profile: str, settings: DatabaseSettings, schema: Schema, worker: str) -> None:
        self.profile = profile
        self.configured = settings
        self.schema = schema
        self.worker: str = re.sub(r"\W", "", worker)
        self.name: str = settings.url.database or settings.url.username or "test"
        self._numbers = count(1)

    @property
    def run_prefix(self) -> str:
        """How the names of databases begin that are made for one run."""
        return f"{self.name[:_NAME_LIMIT]}_run_"

    def run_name(self) -> str:
        """A new name for a database of this run."""
        return f"{self.run_prefix}{self.worker or 'main'}_{os.getpid()}_{next(self._numbers)}"

    @property
    def template_prefix(self) -> str:
        """How the names of templates begin."""
        return f"{self.name[:_NAME_LIMIT]}_template_"

    @cached_property
    def template_name(self) -> str:
        """The template of this schema, whose migrations are read once for the run."""
        return self.template_prefix + self.schema.hash()

    def server(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection to the server, beside all of these databases."""
        return server_connection(renamed(self.configured, self.maintenance), self.profile)

    @abstractmethod
    async def prepare(self) -> None:
        """Make it ready for the session's first test."""

    def standing(self, isolation: Isolation) -> Mapping[str, object] | None:  # noqa: ARG002 - PostgreSQL's
        """What a test connects to where nothing is made for it and nothing taken back; else None."""
        return None

    @abstractmethod
    async def begin(self, isolation: Isolation) -> Mapping[str, object]:
        """What a test connects to, as settings that replace those of its profiles."""

    @abstractmethod
    async def end(self, isolation: Isolation, *, is_altered: bool) -> None:
        """Take a test's work back, after its connections are closed.

        Args:
            isolation: how it was isolated.
            is_altered: whether a statement changed the schema and was stored at once.
        """

    @abstractmethod
    async def close(self) -> None:
        """Drop what was made for this run."""
