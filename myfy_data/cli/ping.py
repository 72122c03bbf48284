"""`ping`: connect to profiles, all at once, and tell what answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.completion import complete_profiles
from myfy_data.cli.options import LoadOptions, load_options

if TYPE_CHECKING:
    from myfy_data.cli.ping_profiles import Answer


def positive(context: click.Context, parameter: click.Parameter, seconds: float | None) -> float | None:
    """Refuse a wait that is no length of time.

    Raises:
        click.BadParameter: it is not above zero, or has no end.
    """
    if seconds is not None and not 0 < seconds < float("inf"):
        raise click.BadParameter(f"{seconds:g} is no number of seconds above 0, such as 60", context, parameter)
    return seconds


@click.command(cls=StrictCommand)
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...", shell_complete=complete_profiles)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a list of {profile, ok, server, latency, pool, error, ...}."
)
@click.option(
    "--wait",
    "seconds",
    type=float,
    metavar="SECONDS",
    callback=positive,
    help="Try again until every required profile, or each PROFILE, answers; give up after SECONDS.",
)
@load_options
def ping(options: LoadOptions, *, profiles: tuple[str, ...], as_json: bool, seconds: float | None) -> int:
    """Connect to profiles, and tell what answers.

    To every active profile, or to each PROFILE: server, version, latency of one round trip, pool limits; and whether
    the server takes no writes, though the profile is not read_only. Exit code 1 when a required profile, or one that
    was named, does not answer within its connect_timeout; with --wait, when none of the tries was answered in time.
    """
    settings = options.load_to_connect()
    # Only now: this imports SQLAlchemy, which takes longer than to find a mistake.
    from myfy_data.cli.ping_profiles import connect, profiles_to_ping

    names = profiles_to_ping(settings, profiles)
    with output.progress(f"connecting to {', '.join(names)}"):
        answers = connect(settings, names, named=bool(profiles), seconds=seconds)
    if as_json:
        output.write_json([answer.as_json() for answer in answers])
    else:
        output.write(render(answers))
        for answer in answers:
            if answer.error:
                output.write_error(answer.error)
    return exit_code(answers)


def exit_code(answers: Sequence[Answer]) -> int:
    """2 when a profile cannot even be tried, 1 when one that matters does not answer, else 0."""
    if any(answer.misconfigured for answer in answers):
        return 2
    return int(any(answer.error and answer.needed for answer in answers))


def render(answers: Sequence[Answer]) -> Iterator[output.Line]:
    """One line for each profile."""
    if not answers:
        yield ["no profile is active, so there is nothing to connect to"]
    yield from output.columns([row for answer in answers for row in (_row(answer), *_host_rows(answer))])


def _host_rows(answer: Answer) -> Iterator[list[output.Span]]:
    """One for each of several servers."""
    from myfy_data.engines.cluster.errors import describe

    if len(answer.hosts) > 1:
        for host in answer.hosts:
            colour = {"primary": "green", "replica": "green", "unknown": "yellow"}.get(host.role, "red")
            yield [f"  {host.address}", (describe(host), colour), "", ""]


def _row(answer: Answer) -> list[output.Span]:
    overflow = "no limit" if answer.max_overflow < 0 else str(answer.max_overflow)
    pool = f"pool {answer.pool_size} + {overflow}, waits {answer.pool_timeout:g} s"
    if answer.latency is None:
        state = "misconfigured" if answer.misconfigured else "failed" if answer.needed else "failed, not required"
        return [answer.profile, (state, "red"), "", pool]
    latency = f"{answer.latency * 1000:.1f} ms"
    if answer.writable is False:  # it is alive, and yet of no use to a profile that is not `read_only`
        return [answer.profile, (f"{answer.server}, takes no writes", "yellow"), latency, pool]
    return [answer.profile, (answer.server or "", "green"), latency, pool]
