"""What can be done with a profile's migrations, as plain functions; `db` commands and `MigrationManager` call them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from alembic import command
from alembic.script import Script
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.errors import MigrationError
from myfy_data.migrations.autogenerate_diff import described
from myfy_data.migrations.env import Handed, build_config
from myfy_data.migrations.metadata import require_metadata
from myfy_data.migrations.report import CheckReport, MigrationReport, RevisionInfo, Tell, tell_nothing
from myfy_data.migrations.runner import Run, ask, call_alembic, offline, read_current, require_environment, run_command
from myfy_data.migrations.target import Target

LONGEST_REVISION = 32
"""Characters that Alembic's version table holds."""


@dataclass(frozen=True, slots=True)
class NewRevision:
    """What to write.

    Attributes:
        message: the revision's message.
        autogenerate: compare the models with the database; False writes an empty revision.
        rev_id: its identifier; a random one when None.
        head: the revision that it follows.
        splice: allow one that is no head.
        branch_label: a label for the branch that it begins.
        depends_on: revisions that must have run before it.
    """

    message: str
    autogenerate: bool = True
    rev_id: str | None = None
    head: str = "head"
    splice: bool = False
    branch_label: str | None = None
    depends_on: Sequence[str] = ()


async def upgrade(
    target: Target, revision: str = "head", *, tell: Tell = tell_nothing, engine: AsyncEngine | None = None
) -> MigrationReport:
    """Run every revision up to one, under the database's lock; without it when there is nothing to run.

    Args:
        target: the profile.
        revision: where to go: a revision, `head`, `heads`, `+1`.
        tell: called when a revision begins, and with the lock's holder while waiting.
        engine: the engine to run on; one of its own when None.
    """
    _require_revision(target, revision)
    to_head = revision in ("head", "heads")
    asked = f"upgrade {revision}"
    run = Run(target, lambda config: command.upgrade(config, revision), "upgraded", to_head, tell, asked)
    return await run_command(run, engine)


async def downgrade(target: Target, revision: str, *, tell: Tell = tell_nothing) -> MigrationReport:
    """Undo every revision down to one, under the database's lock.

    Args:
        target: the profile.
        revision: where to go: a revision, `-1`, `base`.
        tell: hears each revision when it begins.
    """
    _require_revision(target, revision)
    asked = f"downgrade {revision}"
    run = Run(target, lambda config: command.downgrade(config, revision), "downgraded", False, tell, asked)
    return await run_command(run)


async def stamp(target: Target, revision: str, *, purge: bool = False, tell: Tell = tell_nothing) -> MigrationReport:
    """Say that the database is at a revision, without running anything.

    Args:
        target: the profile.
        revision: the revision, `head` or `base`.
        purge: forget what the database said before, even unknown revisions.
        tell: called with the lock's holder while waiting.
    """
    _require_revision(target, revision)
    asked = f"stamp {revision}"
    run = Run(target, lambda config: command.stamp(config, revision, purge=purge), "stamped", False, tell, asked)
    return await run_command(run)


def _require_revision(target: Target, revision: str) -> None:
    if not revision.strip():
        raise MigrationError(target.profile, "no revision has an empty name", fix="name one, such as head, base or -1")


async def write_upgrade_sql(target: Target, revision: str, output: TextIO) -> None:
    """Write the SQL of an upgrade, from base or of a range `FROM:TO`; connects to nothing.

    Raises:
        MigrationError: Alembic refuses.
    """
    await offline(target, lambda config: _to(config, output, command.upgrade, revision))


async def write_downgrade_sql(target: Target, revision: str, output: TextIO) -> None:
    """Write the SQL of a downgrade, a range `FROM:TO`; connects to nothing.

    Raises:
        MigrationError: Alembic refuses.
    """
    await offline(target, lambda config: _to(config, output, command.downgrade, revision))


def _to(config: Any, output: TextIO, run: Any, revision: str) -> None:
    config.output_buffer = output
    run(config, revision, sql=True)


async def write_revision(target: Target, new: NewRevision) -> Path | None:
    """Write a new revision; None when the models and the database agree, so that there is nothing to write.

    Raises:
        ConfigError: there is no metadata to compare with.
        MigrationError: the database is not at head, or Alembic refuses.
        DatabaseConnectionError: the server cannot be reached.
    """
    _refuse_text(target, new.message, new.rev_id)
    require_environment(target)
    if not new.autogenerate:
        return _path(call_alembic(target, lambda: _revise(Handed(target), new)))
    require_metadata(target)
    return _path(await ask(target, lambda handed: call_alembic(target, lambda: _revise(handed, new))))


async def merge(target: Target, message: str = "merge heads", rev_id: str | None = None) -> Path | None:
    """Write a revision that follows every head, so that there is one head again; connects to nothing.

    Returns:
        Its file; None when there is one head already.

    Raises:
        MigrationError: there are no migrations, or Alembic refuses.
    """
    _refuse_text(target, message, rev_id)
    script = require_environment(target)
    if len(call_alembic(target, script.get_heads)) < 2:
        return None
    config = build_config(target, Handed(target))
    return _path(call_alembic(target, lambda: command.merge(config, "heads", message, rev_id=rev_id)))


def _refuse_text(target: Target, message: str, rev_id: str | None) -> None:
    """Refuse what Alembic's template would put into Python's source or into the version table, and break it."""
    if rev_id is not None and len(rev_id) > LONGEST_REVISION:
        reason = f"the identifier has {len(rev_id)} characters, and a version table holds {LONGEST_REVISION}"
        raise MigrationError(target.profile, reason, fix=f"--rev-id {rev_id[:LONGEST_REVISION]}")
    try:
        survives = "\\" not in message and ast.literal_eval(f'"""{message}\n"""') == f"{message}\n"
    except (SyntaxError, ValueError):
        survives = False
    if not survives:
        reason = "the message would not survive in a file of Python: it holds a backslash, or quotes that end it"
        raise MigrationError(target.profile, reason, fix="write the message without them")


def _revise(handed: Handed, new: NewRevision) -> Script | list[Script | None] | None:
    return command.revision(
        build_config(handed.target, handed),
        new.message,
        autogenerate=new.autogenerate,
        rev_id=new.rev_id,
        head=new.head,
        splice=new.splice,
        branch_label=new.branch_label,
        depends_on=list(new.depends_on) or None,  # type: ignore[arg-type]  # alembic's own command line gives a list
        process_revision_directives=_drop_empty if new.autogenerate else None,
    )


def _drop_empty(_context: object, _revision: Any, directives: list[Any]) -> None:
    """Alembic's hook: a revision that would do nothing is not written."""
    if directives and directives[0].upgrade_ops.is_empty():
        directives.clear()


def _path(script: Script | list[Script | None] | None) -> Path | None:
    return Path(script.path) if isinstance(script, Script) else None


async def check(target: Target) -> CheckReport:
    """Whether the database is at head, and the models with it.

    Raises:
        ConfigError: there is no metadata to compare with.
        MigrationError: there are no migrations, or they cannot be read.
        DatabaseConnectionError: the server cannot be reached.
    """
    require_metadata(target)
    state = await read_current(target)
    if not state.is_at_head:
        return CheckReport(target.profile, state)
    drift = await ask(target, lambda handed: call_alembic(target, partial(_drift, handed)))
    return CheckReport(target.profile, state, tuple(drift))


def _drift(handed: Handed) -> list[str]:
    found: list[str] = []

    def note(_context: Any, _revision: Any, directives: list[Any]) -> None:
        found.extend(described(difference) for difference in directives[0].upgrade_ops.as_diffs())
        directives.clear()

    command.revision(build_config(handed.target, handed), "check", autogenerate=True, process_revision_directives=note)
    return found


def read_history(target: Target, revisions: str | None = None) -> list[RevisionInfo]:
    """The revisions of a profile's directory, the newest first; connects to nothing.

    Args:
        target: the profile.
        revisions: a range `FROM:TO`; all of them when None.

    Raises:
        MigrationError: there are no migrations, or they cannot be read.
    """
    script = require_environment(target)
    if revisions is not None and ":" not in revisions:
        raise MigrationError(target.profile, f"{revisions!r} is no range of revisions", fix="--range FROM:TO")
    first, _, last = (revisions or ":").partition(":")
    walked = call_alembic(target, lambda: list(script.walk_revisions(first or "base", last or "heads")))
    return [_info(revision) for revision in walked]


def _info(script: Script) -> RevisionInfo:
    down = script.down_revision
    parents = (down,) if isinstance(down, str) else tuple(down or ())
    labels = tuple(sorted(script.branch_labels or ()))
    return RevisionInfo(script.revision, parents, script.doc or "", script.path, script.is_head, labels)
