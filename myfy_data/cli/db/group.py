"""The group `db`: Alembic for every profile (contract C7, C8)."""

from __future__ import annotations

import click

from myfy_data.cli.command_classes import SuggestingGroup
from myfy_data.cli.db.databases import create, drop, mark
from myfy_data.cli.db.files import init, merge, revision
from myfy_data.cli.db.inspect import check, current, heads, history
from myfy_data.cli.db.run import downgrade, stamp, upgrade
from myfy_data.cli.db.schema import schema
from myfy_data.cli.db.seeds import reset, seed


@click.group(cls=SuggestingGroup)
def db() -> None:
    """Migrate databases: write, run, undo and check revisions.

    Alembic runs them, on the profile's own connection.
    """


_REVISIONS = (init, revision, upgrade, downgrade, current, history, heads, check, stamp, merge)
_DATABASES = (create, mark, drop, reset, seed, schema)

for _command in (*_REVISIONS, *_DATABASES):
    db.add_command(_command)
