"""`db init`, `db revision`: what writes files of migrations."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.db.options import SelectedProfiles, profile_options

if TYPE_CHECKING:
    from myfy_data.migrations.target import Target


@click.command(cls=StrictCommand)
@click.option("--alembic-ini", is_flag=True, help="Write an alembic.ini too, for the plain alembic command.")
@profile_options
def init(selected: SelectedProfiles, *, alembic_ini: bool) -> int:
    """Write a migration directory.

    It holds env.py, script.py.mako, README and versions/, as Alembic names them.

    Where [data.profiles.NAME.migrations] directory says; in migrations/NAME without it. No URL and no secret is
    written: env.py takes the profile's connection.
    """
    from myfy_data.cli.db import each_profile
    from myfy_data.migrations import files

    answers = each_profile.each(_distinct(selected), files.init)
    if alembic_ini and selected.targets:
        answers += each_profile.each(replace(selected, targets=selected.targets[:1]), files.init_ini)
    for answer in answers:
        output.write([[f"wrote {_shown(path)}"] for path in answer.value or ()])
    each_profile.write_errors(answer.error for answer in answers)
    each_profile.write_passed(selected)
    for target in selected.targets:
        if target.settings.migrations.metadata is None:
            output.write([[_advice(target)]])
    return each_profile.exit_code(answer.error for answer in answers)


@click.command(cls=StrictCommand)
@click.option("-m", "--message", metavar="TEXT", required=True, help="What the revision changes.")
@click.option(
    "--autogenerate/--empty", default=True, help="Compare models and database, which is the default; or write it empty."
)
@click.option("--rev-id", metavar="ID", help="Its identifier; a random one without it.")
@click.option("--head", metavar="REVISION", default="head", help="The revision that it follows.")
@click.option("--splice", is_flag=True, help="Let it follow a revision that is no head.")
@click.option("--branch-label", metavar="LABEL", help="Begin a branch of this name.")
@click.option("--depends-on", metavar="REVISION", multiple=True, help="A revision that must run before; repeatable.")
@profile_options
def revision(  # noqa: PLR0913 - one argument for each of Alembic's options
    selected: SelectedProfiles,
    *,
    message: str,
    autogenerate: bool,
    rev_id: str | None,
    head: str,
    splice: bool,
    branch_label: str | None,
    depends_on: tuple[str, ...],
) -> int:
    """Write a revision: what models have and the database has not.

    The database must be at head. Where nothing differs, nothing is written. Read the file before it runs: a renamed
    column looks like one that goes and one that comes.
    """
    from myfy_data.migrations.commands import NewRevision, write_revision

    new = NewRevision(message, autogenerate, rev_id, head, splice, branch_label, depends_on)
    return _write_revisions(selected, lambda target: write_revision(target, new), where_none="no changes")


@click.command(cls=StrictCommand)
@click.option("-m", "--message", metavar="TEXT", default="merge heads", help="What the revision says of itself.")
@click.option("--rev-id", metavar="ID", help="Its identifier; a random one without it.")
@profile_options
def merge(selected: SelectedProfiles, *, message: str, rev_id: str | None) -> int:
    """Write a revision that follows every head.

    Then there is one head again: two branches of code that each brought a revision leave two. Connects to nothing.
    """
    from myfy_data.migrations import commands

    return _write_revisions(selected, lambda target: commands.merge(target, message, rev_id), where_none="one head")


def _write_revisions(
    selected: SelectedProfiles, write: Callable[[Target], Coroutine[object, None, Path | None]], *, where_none: str
) -> int:
    """Write a revision into each directory, and tell what became of it; `where_none` is why one may get none."""
    from myfy_data.cli.db import each_profile

    answers = each_profile.each_awaited(_distinct(selected), write)
    for answer in answers:
        if answer.error is None:
            written = (
                f"{where_none}, so nothing was written" if answer.value is None else f"wrote {_shown(answer.value)}"
            )
            output.write([[f"{answer.profile}: {written}"]])
    each_profile.write_errors(answer.error for answer in answers)
    each_profile.write_passed(selected)
    return each_profile.exit_code(answer.error for answer in answers)


def _shown(path: Path) -> str:
    """A path as the user would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _distinct(selected: SelectedProfiles) -> SelectedProfiles:
    """One profile for each directory: those that share one share its files."""
    first: dict[Path, Target] = {}
    for target in selected.targets:
        first.setdefault(target.directory, target)
    return replace(selected, targets=list(first.values()))


def _advice(target: Target) -> str:
    from myfy_data.migrations.metadata import metadata_lines

    return f"next: write these:{metadata_lines(target)}"
