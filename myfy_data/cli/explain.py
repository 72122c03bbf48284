"""`explain`: how the database would run a statement (contract C12.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.settings.data_settings import DataSettings


@click.command(cls=StrictCommand)
@click.argument("statement")
@click.argument("profile", required=False, shell_complete=complete_profiles)
@click.option("--json", "as_json", is_flag=True, help="Print a list of the plan's lines.")
@load_options
def explain(options: LoadOptions, *, statement: str, profile: str | None, as_json: bool) -> int:
    """Print the plan of one STATEMENT, without running it.

    By a connection of its own that cannot write. $1 and ? stand for values that are not known, on PostgreSQL and
    SQLite. What a key of the configuration says is told by config explain.
    """
    settings = options.load_to_connect()
    name = settings.resolve_name(profile)
    settings.require_engines([name])
    with output.progress(f"asking {name}"):
        lines = _plan(settings, name, statement)
    if as_json:
        output.write_json(list(lines))
    else:
        output.write([line] for line in lines)
    return 0


def _plan(settings: DataSettings, name: str, statement: str) -> tuple[str, ...]:
    import asyncio

    from myfy_data.telemetry.query_plan import explain_query

    return asyncio.run(explain_query(name, settings.profiles[name], statement))
