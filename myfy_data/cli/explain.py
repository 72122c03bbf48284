"""`explain`: how the database would run a statement (contract C12.3)."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, TextIO

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.settings.data_settings import DataSettings
    from myfy_data.telemetry.told_statements import ToldStatement


@click.command(cls=StrictCommand)
@click.argument("statement")
@click.argument("profile", required=False, shell_complete=complete_profiles)
@click.option(
    "--log",
    metavar="FILE",
    type=click.File(encoding="utf-8", errors="replace"),
    help="STATEMENT is a fingerprint, and FILE tells it as JSON; - is standard input.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of the plan's lines.")
@load_options
def explain(options: LoadOptions, *, statement: str, profile: str | None, log: TextIO | None, as_json: bool) -> int:
    """Print the plan of one STATEMENT, without running it.

    By a connection of its own that cannot write. $1 and ? stand for values that are not known, on PostgreSQL and
    SQLite. STATEMENT may be the fingerprint of a line of the slow log, with --log. What a key of the configuration
    says is told by config explain.
    """
    from myfy_data.settings.servers import require_address

    settings = options.load_to_connect()
    name = None if profile is None else settings.resolve_name(profile)
    name, statement = _told(statement, name, log)
    name = settings.resolve_name(name)
    require_address(name, settings.profiles[name], f"explain {shlex.quote(statement)}")
    settings.require_engines([name])
    with output.progress(f"asking {name}"):
        lines = _plan(settings, name, statement)
    if as_json:
        output.write_json(list(lines))
    else:
        output.write([line] for line in lines)
    return 0


def _told(given: str, profile: str | None, log: TextIO | None) -> tuple[str | None, str]:
    """The profile and the text to plan: as they were given, or what a log says of a fingerprint.

    Raises:
        ConfigError: a fingerprint and no log, or the reverse; or the log does not tell which statement it is.
    """
    from myfy_data.telemetry.told_statements import FINGERPRINT, refused_statement, whole_text

    is_fingerprint = FINGERPRINT.fullmatch(given) is not None
    if log is None and is_fingerprint:
        raise refused_statement(f"nothing here tells which statement has the fingerprint {given!r}", fix=_LOG_FIX)
    if log is None:
        return profile, given
    if not is_fingerprint:
        message = "--log tells which statement a fingerprint stands for, and this is none"
        raise refused_statement(message, fix="give the fingerprint in place of the statement; or leave the log out")
    told = _only(given, profile, log)
    output.write_note([f"{told.profile}  {told.text}"])
    return told.profile, whole_text(told.text)


def _only(fingerprint: str, profile: str | None, log: TextIO) -> ToldStatement:
    from myfy_data.telemetry.told_statements import find_told, refused_statement

    found = [told for told in find_told(log, fingerprint) if profile in (None, told.profile)]
    if not found:
        message = f"{log.name} tells of no statement with the fingerprint {fingerprint!r}"
        raise refused_statement(message, fix=_LOG_FIX)
    if len(found) > 1:
        several = ", ".join(f"{told.fingerprint} of {told.profile}" for told in found)
        message = f"{log.name} tells of several statements: {several}"
        raise refused_statement(message, fix="give one of them, whole, and its profile")
    return found[0]


_LOG_FIX = (
    "give a log in JSON with the fields profile, fingerprint and statement, as --log FILE; or the statement itself,"
    " with ? for its values"
)


def _plan(settings: DataSettings, name: str, statement: str) -> tuple[str, ...]:
    import asyncio

    from myfy_data.telemetry.query_plan import explain_query

    return asyncio.run(explain_query(name, settings.profiles[name], statement))
