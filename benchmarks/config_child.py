"""Loads one row's configuration in this process and prints what that cost; `config_load.py` starts it.

Usage: `python config_child.py cold ROW DIRECTORY`: one load, for the whole life of a process. Prints seconds of import
and of the load, and bytes: of the process at its peak, and those that the load added.
`python config_child.py best ROW DIRECTORY PROFILES LOADS`: checks what was loaded, and prints seconds of the best load.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path

from config_project import OVERRIDDEN, expected
from config_rows import Load, Read

CHECKED = ("pool_size", "application_name", "pool_timeout", "read_only")
LONGEST = 3.0
"""Seconds after which no further load is begun."""


def cold(row: str, directory: Path) -> None:
    """One load and nothing else."""
    began = time.perf_counter()
    load: Load = import_module(f"config_rows.{row}").load
    imported = time.perf_counter() - began
    before = memory("VmRSS")
    seconds, read = timed(load, directory)
    print(imported, seconds, memory("VmHWM"), memory("VmRSS") - before)
    del read  # until here, so that the memory counts what was loaded


def best(row: str, directory: Path, profiles: int, loads: int) -> None:
    """Many loads in one process, as a warm program would do them."""
    load: Load = import_module(f"config_rows.{row}").load
    deadline = time.perf_counter() + LONGEST
    fastest, read = timed(load, directory)
    check(read, profiles)
    del read
    for _ in range(loads - 1):
        fastest = min(fastest, timed(load, directory)[0])
        if time.perf_counter() > deadline:
            break
    print(fastest)


def timed(load: Load, directory: Path) -> tuple[float, Read]:
    """One load; a value is read within the time, for libraries that load at the first access."""
    began = time.perf_counter()
    read = load(directory)
    read(OVERRIDDEN, "pool_size")
    return time.perf_counter() - began, read


def check(read: Read, profiles: int) -> None:
    """Fail unless every profile is as base, overlay and variable make it: nothing is gained by doing nothing."""
    for name, keys in expected(profiles).items():
        for key in CHECKED:
            if (found := read(name, key)) != keys[key]:
                sys.exit(f"loads a wrong value: {name}.{key} is {found!r}, not {keys[key]!r}")


def memory(field: str) -> int:
    """Bytes of this process; 0 where the system has no `/proc`.

    Not `getrusage`: its peak begins with that of the process that started this one.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(status.partition(f"{field}:")[2].split(maxsplit=1)[0]) * 1024


if __name__ == "__main__":
    if sys.argv[1] == "cold":
        cold(sys.argv[2], Path(sys.argv[3]))
    else:
        best(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
