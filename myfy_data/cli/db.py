"""The group `db`: Alembic for every profile (contract C7, C8)."""

from __future__ import annotations

import click

from myfy_data.cli.db_files import init, merge, revision
from myfy_data.cli.db_look import check, current, heads, history
from myfy_data.cli.db_run import downgrade, stamp, upgrade
from myfy_data.cli.groups import SuggestingGroup


@click.group(cls=SuggestingGroup)
def db() -> None:
    """Migrate databases: write, run, undo and check revisions.

    Alembic runs them, on the profile's own connection.
    """


for command in (init, revision, upgrade, downgrade, current, history, heads, check, stamp, merge):
    db.add_command(command)
