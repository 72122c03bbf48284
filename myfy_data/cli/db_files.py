"""`db init`, `db revision`: what writes files of migrations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.db_options import Chosen, profile_options
from myfy_data.cli.options import single_option

if TYPE_CHECKING:
    from myfy_data.migrations.target import Target


@click.command()
@click.option("--alembic-ini", is_flag=True, help="Write an alembic.ini too, for the plain alembic command.")
@profile_options
def init(chosen: Chosen, *, alembic_ini: bool) -> int:
    """Write a migration directory.

    It holds env.py, script.py.mako, README and versions/, as Alembic names them.

    Where [data.profiles.NAME.migrations] directory says; in migrations/NAME without it. No URL and no secret is
    written: env.py takes the profile's connection.
    """
    from myfy_data.cli import db_work
    from myfy_data.migrations import files

    answers = db_work.each(_distinct(chosen.targets), files.init)
    if alembic_ini and chosen.targets:
        answers += db_work.each(chosen.targets[:1], files.init_ini)
    for answer in answers:
        output.write([[f"wrote {_shown(path)}"] for path in answer.value or ()])
    db_work.write_errors(answer.error for answer in answers)
    _write_passed(chosen)
    for target in chosen.targets:
        if target.settings.migrations.metadata is None:
            output.write([[_advice(target)]])
    return db_work.exit_code(answer.error for answer in answers)


@click.command()
@single_option("-m", "--message", metavar="TEXT", required=True, help="What the revision changes.")
@click.option(
    "--autogenerate/--empty", default=True, help="Compare models and database, which is the default; or write it empty."
)
@single_option("--rev-id", metavar="ID", help="Its identifier; a random one without it.")
@single_option("--head", metavar="REVISION", default="head", help="The revision that it follows.")
@click.option("--splice", is_flag=True, help="Let it follow a revision that is no head.")
@single_option("--branch-label", metavar="LABEL", help="Begin a branch of this name.")
@click.option("--depends-on", metavar="REVISION", multiple=True, help="A revision that must run before; repeatable.")
@profile_options
def revision(  # noqa: PLR0913 - one argument for each of Alembic's options
    chosen: Chosen,
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
    from myfy_data.cli import db_work
    from myfy_data.migrations.operations import NewRevision, write_revision

    new = NewRevision(message, autogenerate, rev_id, head, splice, branch_label, depends_on)
    answers = db_work.each_awaited(_distinct(chosen.targets), lambda target: write_revision(target, new))
    for answer in answers:
        if answer.error is None:
            written = "no changes, so nothing was written" if answer.value is None else f"wrote {_shown(answer.value)}"
            output.write([[f"{answer.profile}: {written}"]])
    db_work.write_errors(answer.error for answer in answers)
    _write_passed(chosen)
    return db_work.exit_code(answer.error for answer in answers)


@click.command()
@single_option("-m", "--message", metavar="TEXT", default="merge heads", help="What the revision says of itself.")
@single_option("--rev-id", metavar="ID", help="Its identifier; a random one without it.")
@profile_options
def merge(chosen: Chosen, *, message: str, rev_id: str | None) -> int:
    """Write a revision that follows every head.

    Then there is one head again: two branches of code that each brought a revision leave two. Connects to nothing.
    """
    from myfy_data.cli import db_work
    from myfy_data.migrations import operations

    answers = db_work.each_awaited(_distinct(chosen.targets), lambda target: operations.merge(target, message, rev_id))
    for answer in answers:
        if answer.error is None:
            written = "one head, so nothing was written" if answer.value is None else f"wrote {_shown(answer.value)}"
            output.write([[f"{answer.profile}: {written}"]])
    db_work.write_errors(answer.error for answer in answers)
    _write_passed(chosen)
    return db_work.exit_code(answer.error for answer in answers)


def _shown(path: Path) -> str:
    """A path as the user would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _distinct(targets: Iterable[Target]) -> list[Target]:
    """One profile for each directory: those that share one share its files."""
    first: dict[Path, Target] = {}
    for target in targets:
        first.setdefault(target.directory, target)
    return list(first.values())


def _write_passed(chosen: Chosen) -> None:
    output.write([[(f"{passed.profile}: passed over: {passed.reason}", "dim")] for passed in chosen.passed])


def _advice(target: Target) -> str:
    from myfy_data.migrations.metadata import EXAMPLE

    return f'next: [data.profiles.{target.profile}.migrations] metadata = "{EXAMPLE}"'
