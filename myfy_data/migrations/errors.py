"""Why a migration failed, what ran before, and what the database is like now, in words with a fix."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from myfy_data.errors import ConfigError, DataModuleError, MigrationError
from myfy_data.migrations.journal import ChangedRevisionError
from myfy_data.migrations.report import unknown_revision_fix
from myfy_data.migrations.run_recorder import RunRecorder
from myfy_data.migrations.target import Target
from myfy_data.suggestions import nearest

_SHOWN = 200
"""Characters of a statement that a message shows."""

_DIRECTIONS = {"upgrade": "+", "downgrade": "-"}
"""How a number of revisions is said to each."""

_THERE = re.compile(r"already exists|duplicate (?:column|key) name", re.IGNORECASE)

_UNKNOWN = re.compile(r"Can't locate revision identified by '(.*)'")


def explain_command_error(target: Target, error: CommandError, asked: str = "") -> MigrationError:
    """Alembic's refusal, with a fix.

    Args:
        target: the profile.
        error: what Alembic raised.
        asked: the command and its revision, such as `downgrade -1`; empty for another question.
    """
    reason = " ".join(str(error).split())
    unknown = _UNKNOWN.search(reason)
    profile = f" --profile {target.profile}"
    fix = f"myfy-data db history{profile}"
    if unknown:
        reason, fix = f"there is no revision {unknown[1]!r} in {target.directory}", _fix_name(target, unknown[1], asked)
    elif "multiple head" in reason.lower():
        fix = f"myfy-data db merge{profile}"
    elif "not up to date" in reason:
        reason, fix = "the database is not at head, so it cannot be compared", f"myfy-data db upgrade{profile}"
    elif reason.startswith("Relative revision"):
        reason = f"there are not that many revisions: {asked or reason}"
    elif reason == "Range revision not allowed":
        reason, fix = "a range of revisions is for --sql, which prints", f"myfy-data db {asked} --sql{profile}"
    return MigrationError(target.profile, reason, fix=fix)


def _fix_name(target: Target, name: str, asked: str) -> str:
    """What to do about a name that no file has: the user's, or the database's."""
    command, _, revision = asked.partition(" ")
    profile = f" --profile {target.profile}"
    if asked and name not in revision:
        return unknown_revision_fix(target.profile)
    if revision.isdecimal() and command in _DIRECTIONS:
        return f"myfy-data db {command} {_DIRECTIONS[command]}{revision}{profile}"
    script = ScriptDirectory(str(target.directory))
    near = nearest(name, [each.revision for each in script.walk_revisions()])
    return f"myfy-data db {command} {near}{profile}" if near and asked else f"myfy-data db history{profile}"


def explain_database_error(target: Target, error: Exception) -> MigrationError:
    """What a database or the operating system refused before anything ran."""
    if isinstance(error, TimeoutError):
        seconds = target.settings.migrations.command_timeout
        return MigrationError(target.profile, f"no answer within {seconds:g} s")
    reason = error.orig if isinstance(error, DBAPIError) else error
    return MigrationError(target.profile, _first_line(reason))


def explain_failure(target: Target, recorder: RunRecorder, error: Exception, asked: str) -> DataModuleError:
    """What a run's failure means, and exactly what is in the database."""
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, CommandError) and not recorder.running:
        return explain_command_error(target, error, asked)
    if isinstance(error, MigrationError) and not recorder.running:
        return error
    facts = [*_what_ran(target, recorder, is_unanswered=_is_unanswered(error)), *_invalid_indexes(recorder)]
    own = isinstance(error, MigrationError) and error
    reason = own.reason if own else _reason(recorder, error, target)
    if own:
        facts = [*own.facts, *facts]
    told = MigrationError(target.profile, reason, facts=facts, fix=_fix(target, recorder, error))
    told.__cause__ = None if isinstance(error, MigrationError) else error
    return told


def _reason(recorder: RunRecorder, error: Exception, target: Target) -> str:
    where = f"{_whole(recorder)} failed" if recorder.running else "the migration failed"
    if isinstance(error, DBAPIError):
        cause = error.__cause__
        if isinstance(cause, ChangedRevisionError) or isinstance(error.orig, ChangedRevisionError):
            return _changed(recorder, error.orig or error)
        statement = " ".join((error.statement or "").split())[:_SHOWN]
        return f"{where}: {_first_line(error.orig)}" + (f" (in: {statement})" if statement else "")
    if isinstance(error, ChangedRevisionError):
        return _changed(recorder, error)
    if isinstance(error, TimeoutError):
        seconds = target.settings.migrations.command_timeout
        return f"{where}: no answer within {seconds:g} s; the server may still be at it"
    return f"{where}: {type(error).__name__}: {_first_line(error)}"


def _whole(recorder: RunRecorder) -> str:
    return f"undoing revision {recorder.running}" if recorder.is_undoing else f"revision {recorder.running}"


def _changed(recorder: RunRecorder, error: BaseException) -> str:
    return (
        f"revision {recorder.running} is no longer the one that was interrupted, and its beginning is in the database:"
        f" {error}"
    )


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text.partition(": ")[2] if text.startswith("<class") else text


def _invalid_indexes(recorder: RunRecorder) -> Iterator[str]:
    for index in recorder.invalid:
        yield f"CREATE INDEX CONCURRENTLY left {index} unfinished; before the next run: DROP INDEX CONCURRENTLY {index}"


def _what_ran(target: Target, recorder: RunRecorder, *, is_unanswered: bool) -> Iterator[str]:
    stay = recorder.stay
    if recorder.done:
        yield f"complete before it: {', '.join(recorder.done)}"
    if not recorder.running:
        return
    if not stay:
        yield _nothing_ran(target, recorder)
        return
    if is_unanswered and recorder.journal.is_at(stay[-1]):  # its row was committed before it was sent
        yield "no answer came to the last of these: it may have run, or the server may still be at it"
    elif is_unanswered:
        yield "the statement that got no answer is not among them: the server rolls it back"
    why = "this database cannot roll DDL back" if target.backend == "mysql" else "committed by the revision itself"
    number = "1 statement" if len(stay) == 1 else f"{len(stay)} statements"
    of = f"undoing {recorder.running}" if recorder.is_undoing else recorder.running
    yield f"{number} of {of} ran and stay ({why}):"
    for entry in stay:
        yield f"  {entry.statement[:_SHOWN]}"


def _nothing_ran(target: Target, recorder: RunRecorder) -> str:
    rolled_back = "" if target.backend == "mysql" else ": it was rolled back"
    if recorder.is_undoing:
        return f"nothing of {recorder.running} was undone{rolled_back}"
    return f"nothing of {recorder.running} is in the database{rolled_back}"


def _is_unanswered(error: BaseException) -> bool:
    """Whether a statement was sent, and its answer never came."""
    return isinstance(error, TimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def _fix(target: Target, recorder: RunRecorder, error: Exception) -> str:
    if isinstance(error, ChangedRevisionError):
        return (
            "put the statements that ran back, in their order; or undo them by hand, then: myfy-data db stamp REVISION"
        )
    if not recorder.running_path:
        return ""
    path = shlex.quote(recorder.running_path)
    after = ", which goes on after them" if recorder.stay else ""
    correct = f"correct {path}, then run the same command again{after}"
    if recorder.stay or recorder.is_undoing or not (isinstance(error, DBAPIError) and _THERE.search(str(error.orig))):
        return correct
    stamp = f"myfy-data db stamp {recorder.running} --profile {target.profile}"
    return f"{correct}; or, where the database has all of it already, as from create_all: {stamp}"
