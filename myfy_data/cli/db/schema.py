"""`db schema`: what migrations made of the database, as SQL in the repository (contract C14.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from myfy_data.cli import output
from myfy_data.cli.atomic_write import write_files
from myfy_data.cli.command_classes import StrictCommand
from myfy_data.cli.db.options import SelectedProfiles, profile_options

if TYPE_CHECKING:
    from myfy_data.migrations.target import Target

_CHECK = "Write nothing; exit code 1 when the file and the database differ."


@click.command(cls=StrictCommand)
@click.option("--check", "only_check", is_flag=True, help=_CHECK)
@profile_options
def schema(selected: SelectedProfiles, *, only_check: bool) -> int:
    """Write the schema of the database to schemas/PROFILE.sql.

    As SQL, sorted, without host, path or row: the same schema gives the same file on every machine, so a review shows
    what the revisions really did.
    """
    from myfy_data.cli.db import each_profile
    from myfy_data.migrations.schema.text import read_schema

    answers = each_profile.each_awaited(selected, read_schema)
    targets = {target.profile: target for target in selected.targets}
    same = [
        _settle(targets[answer.profile], answer.value, only_check=only_check)
        for answer in answers
        if answer.value is not None
    ]
    return each_profile.finish(selected, answers, ok=all(same))


def _settle(target: Target, now: str, *, only_check: bool) -> bool:
    """Write the file, or only compare it; whether it is as the database is then."""
    from myfy_data.migrations.schema.text import difference, schema_file

    path = schema_file(target)
    name = f"{path.parent.name}/{path.name}"
    is_there, changed = path.exists(), difference(target, now)
    if is_there and not changed:
        output.write([[f"{target.profile}: {name} is as the database is"]])
        return True
    if not only_check:
        write_files({path: now.encode()})
        output.write([[f"{target.profile}: wrote {name}"]])
        return True
    told = "differs from the database" if is_there else "is not there"
    output.write([[(f"{target.profile}: {name} {told}", "red")], *([f"    {line}"] for line in changed)])
    output.write(output.message_lines(f"  fix: myfy-data db schema --profile {target.profile}"))
    return False
