"""A MariaDB that is installed on this machine, with files of its own (contract C13.4)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from myfy_data.servers.accounts import Account, data_directory, made_once, run_directory, server_account
from myfy_data.servers.keeper import Kept
from myfy_data.servers.running import RunningServer

_SMALL = ("--innodb-log-file-size=4M", "--innodb-buffer-pool-size=32M")
_TEXT = "--character-set-server=utf8mb4"  # MariaDB's own is latin1, where its package does not say otherwise
_SETTINGS: tuple[str, ...] = ("--skip-log-bin", "--skip-networking", "--max-connections=200", _TEXT)
_FAST: tuple[str, ...] = (*_SETTINGS, "--innodb-flush-log-at-trx-commit=0")


def start_mariadb(keep: Path | None = None) -> RunningServer | None:
    """Start a MariaDB that ends with this process; None when none is installed.

    Only users that may enter its directory can connect: there is no port.

    Args:
        keep: the directory in which its data stays for the next start; it ends with the server when None.

    Raises:
        ServerStartError: it did not start.
        subprocess.CalledProcessError: its files could not be made.
    """
    program, install, account = _find("mariadbd"), _find("mariadb-install-db"), server_account("mysql")
    if program is None or install is None or account is None:
        return None
    version = _version(program)
    empty = made_once(
        f"mariadb-{version}-{account.entry.pw_uid}", account, lambda to: _initialize(install, to, account)
    )
    home = run_directory(account)
    data = data_directory(empty, home, account, keep and keep / f"mariadb-{version}")
    settings = _FAST if keep is None else _SETTINGS
    path = home / "socket"
    places = [f"--datadir={data}", f"--tmpdir={home}", f"--socket={path}", f"--pid-file={home / 'pid'}"]
    command = [str(program), "--no-defaults", *places, *_SMALL, *settings]
    kept = Kept(command, account, home / "log", stop=signal.SIGTERM, remove=[home])
    kept.wait_until(lambda: _greets(path))
    return RunningServer(
        "mysql", f"mysql+aiomysql://root@localhost/{{}}?unix_socket={path}", f"MariaDB {version}", kept
    )


def _initialize(install: Path, directory: Path, account: Account) -> None:
    places = [f"--datadir={directory / 'data'}", f"--tmpdir={directory}"]
    account.run(
        [install, "--no-defaults", *places, *_SMALL, "--auth-root-authentication-method=normal", "--skip-test-db"],
        directory,
    )


def _find(program: str) -> Path | None:
    """A program of a server; they stand where ordinary users need not look."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"])
    found = shutil.which(program, path=path)
    return Path(found) if found else None


def _version(program: Path) -> str:
    said = subprocess.run([program, "--no-defaults", "--version"], check=True, capture_output=True, text=True).stdout
    return next((word.partition("-")[0] for word in said.split() if word[:1].isdigit()), "0")


def _greets(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1.0)
        try:
            line.connect(str(path))
            return bool(line.recv(1))
        except OSError:
            return False
