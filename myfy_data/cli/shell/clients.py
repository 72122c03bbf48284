"""The database's own client on a profile: its command line, and the password in a file that only we may read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from myfy_data.engines.connect.password import load_password
from myfy_data.errors import ConfigError, MissingPackageError, Problem
from myfy_data.layers.key_spec import PREFIX
from myfy_data.redaction import Secret
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.urls import ConnectionURL

PROGRAMS: dict[str, tuple[str, ...]] = {"sqlite": ("sqlite3",), "postgresql": ("psql",), "mysql": ("mariadb", "mysql")}
"""The clients of each database, the first that is installed is taken."""
_PACKAGES = {"sqlite": "sqlite3", "postgresql": "postgresql-client", "mysql": "mariadb-client"}
_PASSWORDS = ("PGPASSWORD", "MYSQL_PWD")


@dataclass(frozen=True, slots=True)
class Client:
    """A client that is ready to be started.

    Attributes:
        command: its command line; no secret is in it.
        environ: its variables; no secret is in them.
    """

    command: list[str]
    environ: Mapping[str, str] = field(repr=False)


@contextmanager
def client_of(profile: str, settings: DatabaseSettings) -> Iterator[Client]:
    """The client of a profile's database; the file with its password is gone after the block.

    Args:
        profile: the profile's name.
        settings: its settings, with one server; where they are `read_only`, its sessions begin so.

    Raises:
        ConfigError: a database in memory, which no other process has.
        MissingPackageError: the client is not installed.
        DatabaseConnectionError: the password file cannot be used.
    """
    url, read_only = settings.url, settings.read_only
    if url.is_memory:
        message = "is in memory, and no other process has it"
        raise ConfigError([Problem("", f"profiles.{profile}", message, fix=f"myfy-data shell {profile}")])
    program = _find(url.backend)
    password = None if url.backend == "sqlite" else load_password(profile, str(url), settings)
    environ = _without_secrets(password)
    with TemporaryDirectory(prefix="myfy-") as directory:  # ours alone: mkdtemp makes it so
        if url.backend == "sqlite":
            yield Client([program, *(["-readonly"] if read_only else []), url.database or ""], environ)
        elif url.backend == "postgresql":
            more = _psql_variables(Path(directory), password, read_only=read_only)
            yield Client([program, _conninfo(settings)], {**environ, **more})
        else:
            told = _option_file(Path(program).name, settings, password, read_only=read_only)
            file = _private(Path(directory) / "options.cnf", told)
            yield Client([program, f"--defaults-extra-file={file}", url.database or ""], environ)


def _find(backend: str) -> str:
    for name in PROGRAMS[backend]:
        if found := shutil.which(name):
            return found
    name = PROGRAMS[backend][0]
    raise MissingPackageError(
        f"the client {name!r} is not installed", package=name, install=f"apt-get install {_PACKAGES[backend]}"
    )


def _without_secrets(password: Secret | None) -> dict[str, str]:
    """Our variables without those that hold a password, of this profile or of another one."""
    text = password.reveal() if password is not None else ""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith(PREFIX) or name in _PASSWORDS or (text and text in value))
    }


def _private(path: Path, text: str) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


def _conninfo(settings: DatabaseSettings) -> str:
    url = settings.url
    hosts = url.hosts
    said = {
        "host": ",".join(host or "" for host, _ in hosts),
        "port": ",".join(str(port or 5432) for _, port in hosts),
        "user": url.username,
        "dbname": url.database,
        "sslmode": settings.tls_mode,
        "sslrootcert": settings.tls_ca,
        "sslcert": settings.tls_cert,
        "sslkey": settings.tls_key,
        "connect_timeout": max(2, round(settings.connect_timeout)),
        "application_name": settings.application_name or "myfy-data sql",
    }
    return " ".join(f"{key}={_quoted(str(value))}" for key, value in said.items() if value not in (None, ""))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _psql_variables(directory: Path, password: Secret | None, *, read_only: bool) -> dict[str, str]:
    more = {}
    if password is not None:
        text = password.reveal().replace("\\", "\\\\").replace(":", "\\:")
        more["PGPASSFILE"] = str(_private(directory / "pgpass", f"*:*:*:*:{text}\n"))
    if read_only:
        more["PGOPTIONS"] = f"{os.environ.get('PGOPTIONS', '')} -c default_transaction_read_only=on".strip()
    return more


# -- MySQL and MariaDB -------------------------------------------------------------------------------------------------


def _option_file(program: str, settings: DatabaseSettings, password: Secret | None, *, read_only: bool) -> str:
    url: ConnectionURL = settings.url
    said = {
        "host": url.host,
        "port": url.port,
        "socket": url.query.get("unix_socket"),
        "user": url.username,
        "password": password.reveal() if password is not None else None,
        "ssl-ca": settings.tls_ca,
        "ssl-cert": settings.tls_cert,
        "ssl-key": settings.tls_key,
        "connect-timeout": max(1, round(settings.connect_timeout)),
        "init-command": "SET SESSION TRANSACTION READ ONLY" if read_only else None,
    }
    lines = [f"{key}={_in_option_file(str(value))}" for key, value in said.items() if value is not None]
    return "\n".join(["[client]", *lines, *_tls_lines(program, settings.tls_mode), ""])


def _tls_lines(program: str, mode: str) -> list[str]:
    if program == "mysql":
        words = {
            "disable": "DISABLED",
            "require": "REQUIRED",
            "verify-ca": "VERIFY_CA",
            "verify-full": "VERIFY_IDENTITY",
        }
        return [f"ssl-mode={words.get(mode, 'PREFERRED')}"]
    if mode == "disable":
        return ["skip-ssl"]
    return ["ssl", "ssl-verify-server-cert" if mode.startswith("verify") else "skip-ssl-verify-server-cert"]


def _in_option_file(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
