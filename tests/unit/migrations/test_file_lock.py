"""SQLite's lock file: one at a time, and no trace of those who are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from myfy_data.migrations.file_lock import SUFFIX, FileLock
from tests.sandbox import child_environment

TAKE_AND_DIE = """
import os, sys
from myfy_data.migrations.file_lock import FileLock
lock = FileLock(sys.argv[1])
assert lock.try_acquire()
os._exit(9)
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    first, second = (FileLock(str(tmp_path / "app.db")) for _ in range(2))

    assert [first.try_acquire(), second.try_acquire()] == [True, False]
    first.release()
    assert second.try_acquire()
    second.release()


def test_it_tells_who_holds_it(tmp_path: Path) -> None:
    first, second = (FileLock(str(tmp_path / "app.db")) for _ in range(2))
    first.try_acquire()

    assert f"process {os.getpid()} on " in second.holder()
    first.release()


def test_no_file_is_left_behind(tmp_path: Path) -> None:
    lock = FileLock(str(tmp_path / "app.db"))
    lock.try_acquire()
    lock.release()

    assert list(tmp_path.iterdir()) == []


def test_a_process_that_died_holds_nothing(tmp_path: Path) -> None:
    database = str(tmp_path / "app.db")
    subprocess.run([sys.executable, "-c", TAKE_AND_DIE, database], env=child_environment(), check=False)
    lock = FileLock(database)

    assert Path(database + SUFFIX).exists()
    assert lock.try_acquire()
    lock.release()


def test_a_file_that_was_deleted_meanwhile_is_no_lock(tmp_path: Path) -> None:
    """Who waits may have opened the file that the holder deletes when it is done."""
    lock = FileLock(str(tmp_path / "app.db"))
    descriptor = os.open(tmp_path / f"app.db{SUFFIX}", os.O_CREAT | os.O_RDWR)
    (tmp_path / f"app.db{SUFFIX}").unlink()

    assert not lock._is_still(descriptor)
    os.close(descriptor)


def test_a_file_that_was_made_anew_meanwhile_is_another_lock(tmp_path: Path) -> None:
    lock = FileLock(str(tmp_path / "app.db"))
    path = tmp_path / f"app.db{SUFFIX}"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    path.rename(tmp_path / "old")
    path.touch()

    assert not lock._is_still(descriptor)
    os.close(descriptor)
