"""SQLite's files: whether they are there, on which file system, and with how much room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from myfy_data.cli.doctor.finding import Finding
from myfy_data.settings.database_settings import DatabaseSettings

MOUNTS: Path = Path("/proc/self/mounts")
ROOM: int = 100 * 2**20
"""Bytes below which a disk is called full: a checkpoint of the write-ahead log needs some."""

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
