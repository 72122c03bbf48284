"""Run a command with a PostgreSQL and a MariaDB of its own: `python -m tests.lane_servers COMMAND...`.

What runs side by side then shares neither the connections of a server nor its settings, and needs no server that runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from tests.servers import MYSQL, POSTGRESQL, NoServerError


def run(command: Sequence[str]) -> int:
    """Run it, with the variables that name the servers; those that are named already stay.

    Returns:
        Its exit code; 2 when a server cannot be had.
    """
    environment = dict(os.environ)
    with ExitStack() as stack:
        for kind in (POSTGRESQL, MYSQL):
            if not environment.get(kind.variable):
                server = stack.enter_context(kind.own_server())
                environment[kind.variable] = server.url("postgres" if kind is POSTGRESQL else "")
        with subprocess.Popen(command, env=environment) as process:
            # Ctrl-C reaches the command, too; its servers stay until it has dropped its databases.
            signal.signal(signal.SIGINT, lambda *_: None)
            return process.wait()


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    try:
        return run(arguments)
    except NoServerError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
