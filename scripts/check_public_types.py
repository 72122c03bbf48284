"""Every name of the package that a user can reach has a type that each checker infers alike (house rules, types).

Usage: `python scripts/check_public_types.py`, in an environment that has the package. Pyright verifies the types; a
name without a known one is printed, and the exit code is 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNTYPED_BASES = {
    "myfy_data.engines.mysql.connection.StrictConnection": "aiomysql",
    "myfy_data.engines.mysql.io_timeouts.BoundedConnection": "aiomysql",
    "myfy_data.engines.mysql.login.SafeLogin": "aiomysql",
    "myfy_data.engines.mysql.reading.BufferedConnection": "aiomysql",
    "myfy_data.engines.mysql.result.StrictResult": "aiomysql",
    "myfy_data.engines.postgresql.connection.LateTransaction": "asyncpg",
    "myfy_data.engines.postgresql.login.GuardedLogin": "asyncpg",
    "myfy_data.engines.postgresql.protocol.GatedProtocol": "asyncpg",
    "myfy_data.module.myfy.handlers.UnitOfWorkRouter": "myfy.web",
    "myfy_data.testing.savepoints.SavepointTransaction": "asyncpg",
}
"""Classes that are a class of a package without types: no annotation of ours can give them one."""


def main() -> int:
    """Print what is not fully typed; 1 when there is something, or a class of the list is typed by now."""
    unknown = dict(_unknown(_verify()))
    faults = [f"{name}: {why}" for name, why in unknown.items() if name not in UNTYPED_BASES]
    faults += [f"{name}: is typed, take it from the list" for name in UNTYPED_BASES.keys() - unknown.keys()]
    for fault in sorted(faults):
        print(f"error: {fault}")
    return 1 if faults else 0


def _verify() -> dict[str, Any]:
    beside = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [str(beside / "pyright"), "--verifytypes", "myfy_data", "--ignoreexternal", "--outputjson"]
    answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    report: dict[str, Any] = json.loads(answer.stdout)["typeCompleteness"]
    if not report["symbols"]:
        raise SystemExit("error: pyright found no name of myfy_data here: is it installed, with py.typed?")
    return report


def _unknown(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for symbol in report["symbols"]:
        if symbol["isExported"] and (symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"]):
            told = (finding["message"].splitlines()[0] for finding in symbol["diagnostics"])
            yield symbol["name"], "; ".join(told) or "holds something whose type is not known"


if __name__ == "__main__":
    sys.exit(main())
