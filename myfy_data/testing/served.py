"""Profiles that give a driver and no address get a server of this machine (contract C13.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from myfy_data.errors import ConfigError, Problem
from myfy_data.servers.find import Wanted, find_server
from myfy_data.servers.profiles import INSTALL, database_name, with_url
from myfy_data.servers.running import RunningServer
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import needs_server


@dataclass
class ServedProfiles:
    """The servers of a session.

    Attributes:
        wanted: `auto`, `url` or `embedded`.
        root: the project's directory, whose name begins the names of the databases.
        notes: told of what a person should know.
    """

    wanted: str
    root: Path
    notes: list[str]
    _servers: dict[str, RunningServer | None] = field(default_factory=dict)

    def serve(self, settings: DataSettings) -> DataSettings:
        """The settings, with an address for each profile that has a driver only.

        Raises:
            ConfigError: only a URL is wanted, and a profile has none; or a server is wanted that cannot be had.
        """
        found = {
            name: self._serve(name, profile)
            for name, profile in settings.profiles.items()
            if profile.active and needs_server(profile)
        }
        return settings.model_copy(update={"profiles": {**settings.profiles, **found}}) if found else settings

    def _serve(self, name: str, profile: DatabaseSettings) -> DatabaseSettings:
        backend = profile.url.backend
        if self.wanted == "url":
            message = 'gives a driver and no address, and myfy_data_server is "url"'
            fix = f'[data.profiles.{name}] database_url = "{profile.url.driver}://user@localhost/shop_test"'
            raise ConfigError([Problem("", f"profiles.{name}", message, fix=fix)])
        server = self._server(backend)
        if server is not None:
            database = database_name(self.root, name, "test")
            return with_url(profile, server.url(database))
        if self.wanted == "embedded":
            message = f"wants a {backend} server that is started, and none is installed"
            raise ConfigError([Problem("", f"profiles.{name}", message, fix=INSTALL[backend])])
        self.notes.append(
            f"NOT {backend.upper()}: profile {name!r} ran on SQLite, because no server was found and none could be"
            f" started. SQLite is not the database of production.\n  fix: {INSTALL[backend]}"
        )
        return with_url(profile, "sqlite+aiosqlite:///:memory:")

    def _server(self, backend: str) -> RunningServer | None:
        if backend not in self._servers:
            wanted: Wanted = "embedded" if self.wanted == "embedded" else "auto"
            self._servers[backend] = find_server(backend, wanted)
        return self._servers[backend]

    def close(self) -> None:
        """Stop the servers that were started."""
        for server in self._servers.values():
            if server is not None:
                server.stop()
