"""SQLite's lock file: one at a time, and no trace of processes that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
    """A waiter may have opened the file that the holder deletes when it is done."""
    lock = FileLock(str(tmp_path / "app.db"))
    descriptor = os.open(tmp_path / f"app.db{SUFFIX}", os.O_CREAT | os.O_RDWR)
    (tmp_path / f"app.db{SUFFIX}").unlink()

    assert not lock.is_still(descriptor)
    os.close(descriptor)


def test_a_file_that_was_made_anew_meanwhile_is_another_lock(tmp_path: Path) -> None:
    lock = FileLock(str(tmp_path / "app.db"))
    path = tmp_path / f"app.db{SUFFIX}"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
    path.rename(tmp_path / "old")
    path.touch()

    assert not lock.is_still(descriptor)
    os.close(descriptor)


@pytest.mark.parametrize("kind", ["link", "link to nowhere", "pipe"])
def test_what_somebody_else_put_in_its_place_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    precious = tmp_path / "precious.txt"
    if kind != "link to nowhere":
        precious.write_text("mine")
    place = Path(f"{tmp_path / 'app.db'}{SUFFIX}")
    os.mkfifo(place) if kind == "pipe" else place.symlink_to(precious)

    with pytest.raises(OSError, match="a link, a pipe or a device, where the migration lock belongs"):
        FileLock(str(tmp_path / "app.db")).try_acquire()

    assert precious.exists() is (kind != "link to nowhere")
    assert kind == "link to nowhere" or precious.read_text() == "mine"
    assert FileLock(str(tmp_path / "app.db")).holder() == "another process" or kind == "pipe"
