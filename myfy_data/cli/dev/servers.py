"""Servers for the profiles that give a driver and no address, with data that is there again at the next start."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from myfy_data.cli import output
from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.key_spec import variable_for
from myfy_data.migrations.file_lock import FileLock, process_of
from myfy_data.servers.accounts import cache_directory
from myfy_data.servers.find import find_server, standing_server
from myfy_data.servers.keeper import ServerStartError
from myfy_data.servers.profiles import INSTALL, database_name
from myfy_data.servers.running import RunningServer
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.servers import needs_server

_NAMES = {"postgresql": "PostgreSQL", "mysql": "MariaDB"}
_IGNORE = "# What `myfy-data dev` keeps: databases of this machine.\n*\n"


def unaddressed(settings: DataSettings) -> list[str]:
    """The active profiles that need a server, by name: none with an address is among them."""
    return [name for name, profile in settings.profiles.items() if profile.active and needs_server(profile)]


@contextmanager
def served(settings: DataSettings, root: Path) -> Iterator[dict[str, tuple[str, RunningServer]]]:
    """The variable that addresses each profile which needs a server, its URL, and the server, until the block ends.

    Args:
        settings: the settings as they are written.
        root: the project root.

    Raises:
        ConfigError: no server can be had, or another `dev` of this project runs.
    """
    with ExitStack() as stack:
        servers = _Servers(root, stack)
        found = {}
        for name in unaddressed(settings):
            server = servers.get(name, settings.profiles[name].url.backend)
            url = server.url(database_name(root, name, "dev"))
            found[variable_for(("profiles", name, "database_url"))] = (url, server)
        yield found


class _Servers:
    """One server for each database, and one lock for the data of all that are started."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        self._root = root
        self._stack = stack
        self._running: dict[str, RunningServer] = {}
        self._keep: Path | None = None

    def get(self, profile: str, backend: str) -> RunningServer:
        """The server of a database, found or started."""
        if backend not in self._running:
            self._running[backend] = standing_server(backend) or self._start(profile, backend)
        return self._running[backend]

    def _start(self, profile: str, backend: str) -> RunningServer:
        if self._keep is None:
            self._keep = kept_directory(self._root)
            _lock(self._keep, self._stack)
        output.write_note([(profile, "cyan"), f"  starting a {_NAMES[backend]} of this project's own"])
        try:
            server = find_server(backend, "embedded", self._keep)
        except (ServerStartError, subprocess.CalledProcessError, OSError) as error:
            raise _refusal(profile, f"its {backend} server did not start: {error}", f"ls -la {self._keep}") from None
        if server is None:
            message = f"gives a driver and no address, and no {backend} server is on this machine"
            raise _refusal(profile, message, INSTALL[backend])
        return self._stack.enter_context(server)


def kept_directory(root: Path) -> Path:
    """Where the data stands: in the project; for root where the account that runs the server is let through."""
    if os.geteuid() == 0:
        directory = cache_directory() / "dev" / hashlib.sha256(str(root).encode()).hexdigest()[:16]
        directory.mkdir(parents=True, exist_ok=True)
        return directory
    directory = root / ".myfy"
    directory.mkdir(exist_ok=True)
    (directory / ".gitignore").write_text(_IGNORE, encoding="utf-8")
    return directory


def _lock(keep: Path, stack: ExitStack) -> None:
    """Let one `dev` at a time have the data."""
    lock = FileLock(str(keep / "dev"))
    if not lock.try_acquire():
        holder = lock.holder()
        process = process_of(holder)
        message = f"another `myfy-data dev` of this project runs: {holder}"
        raise ConfigError([Problem("", "", message, fix=f"kill {process}" if process else "end it")])
    stack.callback(lock.release)


def _refusal(profile: str, message: str, fix: str) -> ConfigError:
    return ConfigError([Problem("", f"profiles.{profile}", message, fix=fix)])
