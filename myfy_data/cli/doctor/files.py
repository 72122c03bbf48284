"""SQLite's files: whether they are there, on which file system, with how much room, and how they keep their journal."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from myfy_data.cli.doctor.finding import Finding
from myfy_data.settings.database_settings import DatabaseSettings

MOUNTS: Path = Path("/proc/self/mounts")
ROOM: int = 100 * 2**20
"""Bytes below which a disk is called full: a checkpoint of the write-ahead log needs some."""

GROWN: int = 64 * 2**20
"""Bytes of a write-ahead log above which something kept a checkpoint from its end: SQLite begins one at 4 MiB."""

_MAGIC, _FORMAT, _WAL = b"SQLite format 3\x00", 18, 2
"""How a database file begins, and the byte that says how it is written (sqlite.org/fileformat.html, 1.3)."""

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "afs"})


def file_findings(name: str, profile: DatabaseSettings) -> Iterator[Finding]:
    """The file of a SQLite profile; nothing for a server and for `:memory:`."""
    if profile.url.backend != "sqlite" or profile.url.is_memory:
        return
    path = Path(profile.url.database or "")
    folder = path.parent
    if not folder.is_dir():
        yield Finding("file", name, "fail", f"there is no directory {folder}", f"mkdir -p {folder}")
    elif not os.access(folder, os.W_OK) and not profile.read_only:
        message = f"{folder} may not be written to, and SQLite keeps its log beside the database"
        yield Finding("file", name, "fail", message, f"chown $(id -u) {folder}")
    elif not path.exists():
        yield Finding("file", name, "warn", f"{path} is not there yet", f"myfy-data db upgrade --profile {name}")
    else:
        yield Finding("file", name, "ok", f"{path} is there")
        yield _journal(name, profile, path)
    if folder.is_dir():
        yield _file_system(name, folder)
        yield _room(name, folder)


def _file_system(name: str, folder: Path) -> Finding:
    kind = file_system(folder)
    if kind in _NETWORK:
        message = f"{folder} is a network file system ({kind}): SQLite's locks do not hold there, and data is lost"
        return Finding("filesystem", name, "fail", message, "put the file on a local disk, or use a server")
    return Finding("filesystem", name, "ok", f"{folder} is {kind or 'of an unknown kind'}")


def file_system(folder: Path) -> str:
    """The kind of the file system that a folder is on; empty where that cannot be told."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    real = folder.resolve()
    found = [(Path(parts[1]), parts[2]) for line in lines if len(parts := line.split()) > 2]
    above = [(len(mount.parts), kind) for mount, kind in found if real.is_relative_to(mount)]
    return max(above)[1] if above else ""


def _room(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free // 2**20} MiB are free in {folder}"
    if free < ROOM:
        return Finding("room", name, "warn", f"only {text}", f"df -h {folder}")
    return Finding("room", name, "ok", text)


def _journal(name: str, profile: DatabaseSettings, path: Path) -> Finding:
    """Its write-ahead log, by the files alone: to ask SQLite would be to open it."""
    log = path.with_name(f"{path.name}-wal")
    size = _size(log)
    if size > GROWN:
        message = (
            f"{log} has {size // 2**20} MiB, and SQLite makes it no smaller while the file is open: "
            "a long reader, or one large transaction; the fix does, once nobody reads"
        )
        fix = f"sqlite3 {shlex.quote(str(path))} 'PRAGMA wal_checkpoint(TRUNCATE)'"
        return Finding("journal", name, "warn", message, fix)
    has_log, mode = _has_log(path), profile.sqlite.journal_mode
    if profile.read_only and mode == "wal" and has_log is False and _is_writable(path):
        message = (
            f"{path} has no write-ahead log, and who only reads cannot begin one: a writer keeps us waiting; "
            "an application of ours that writes begins it when it opens the file"
        )
        fix = f"sqlite3 {shlex.quote(str(path))} 'PRAGMA journal_mode = wal'"
        return Finding("journal", name, "warn", message, fix)
    told = f", its log has {size / 2**20:.1f} MiB" if has_log else ""
    if profile.read_only and has_log is False:
        told = "; the file has no log, and where nobody writes none is needed"
    return Finding("journal", name, "ok", f"journal_mode {mode}{told}")


def _size(log: Path) -> int:
    """Bytes of the log; the last one who closes the database deletes it. SQLite keeps its size behind a checkpoint."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _is_writable(path: Path) -> bool:
    """Whether a log could stand beside a file: where nobody writes, none is needed, and with it none could read."""
    return all(os.access(each, os.W_OK) for each in (path.parent, path))


def _has_log(path: Path) -> bool | None:
    """Whether a database is written by a write-ahead log; None for a file that is none yet, or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_FORMAT + 1)
    except OSError:
        return None
    return head[_FORMAT] == _WAL if len(head) > _FORMAT and head.startswith(_MAGIC) else None
