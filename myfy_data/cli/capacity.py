"""`capacity`: whether the servers take all the connections that the application may open (contract C11.7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.capacity.report import ServerCapacity


@click.command(cls=StrictCommand)
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...", shell_complete=complete_profiles)
@click.option("--json", "as_json", is_flag=True, help="Print a list of {server, limit, needed, fits, profiles, fix}.")
@load_options
def capacity(options: LoadOptions, *, profiles: tuple[str, ...], as_json: bool) -> int:
    """Compare the connections needed with what each server takes.

    Asks the server of every active profile, or of each PROFILE, for its limits: all connections less those that it
    keeps back, the user's, the database's. [data.capacity] says how many processes there are. Exit code 1 when they
    do not fit, with sizes that would, or when a server does not answer.
    """
    settings = options.load_to_connect()
    # Only now: this imports SQLAlchemy.
    from myfy_data.capacity.servers import ask_servers
    from myfy_data.cli.ping_profiles import profiles_to_ping

    names = profiles_to_ping(settings, profiles)
    with output.progress(f"asking {', '.join(names)}"):
        servers = ask_servers(settings, names)
    if as_json:
        output.write_json([server.as_json() for server in servers])
    else:
        output.write(render(servers))
    return int(not all(server.fits for server in servers))


def render(servers: Sequence[ServerCapacity]) -> Iterator[output.Line]:
    """A line for each server, with a fix below it where it needs one."""
    if not servers:
        yield ["no active profile has a server, so nothing limits its connections"]
    rows: list[list[output.Span]] = [
        [", ".join(server.profiles), server.server, (str(server), _colour(server))] for server in servers
    ]
    for line, server in zip(output.columns(rows), servers, strict=True):
        yield line
        if server.fix:
            yield [(f"  fix: {server.fix}", "green")]


def _colour(server: ServerCapacity) -> str:
    return "green" if server.fits else "red"
