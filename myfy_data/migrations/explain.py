"""Why a migration failed, what ran before, and what the database is like now, in words with a fix."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from myfy_data.errors import ConfigError, DataModuleError, MigrationError
from myfy_data.migrations.journal import ChangedRevisionError
from myfy_data.migrations.report import unknown_revision_fix
from myfy_data.migrations.target import Target
from myfy_data.migrations.watch import Watch

_SHOWN = 200
"""Characters of a statement that a message shows."""

_UNKNOWN = re.compile(r"Can't locate revision identified by '(.*)'")


def explain_command_error(target: Target, error: CommandError) -> MigrationError:
    """Alembic's refusal, with a fix where we know one."""
    reason = " ".join(str(error).split())
    unknown = _UNKNOWN.search(reason)
    profile = f" --profile {target.profile}"
    if unknown:
        message = f"there is no revision {unknown[1]!r} in {target.directory}"
        fix = (
            f"myfy-data db history{profile} lists them; for one in the database: {unknown_revision_fix(target.profile)}"
        )
        return MigrationError(target.profile, message, fix=fix)
    if "Multiple head revisions" in reason or "multiple heads" in reason.lower():
        fix = f"myfy-data db merge{profile}"
        return MigrationError(target.profile, reason, fix=fix)
    if "not up to date" in reason:
        fix = f"myfy-data db upgrade{profile}"
        return MigrationError(target.profile, "the database is not at head, so it cannot be compared", fix=fix)
    return MigrationError(target.profile, reason)


def explain_database_error(target: Target, error: Exception) -> MigrationError:
    """What a database or the operating system refused before anything ran."""
    if isinstance(error, TimeoutError):
        seconds = target.settings.migrations.command_timeout
        return MigrationError(target.profile, f"no answer within {seconds:g} s")
    reason = error.orig if isinstance(error, DBAPIError) else error
    return MigrationError(target.profile, _first_line(reason))


def explain_failure(target: Target, watch: Watch, error: Exception) -> DataModuleError:
    """What a run's failure means, and exactly what is in the database."""
    if isinstance(error, ConfigError):
        return error
    if isinstance(error, CommandError) and not watch.running:
        return explain_command_error(target, error)
    if isinstance(error, MigrationError) and not watch.running:
        return error
    facts = [*_what_ran(target, watch, is_unanswered=_is_unanswered(error)), *_invalid_indexes(watch)]
    own = isinstance(error, MigrationError) and error
    reason = own.reason if own else _reason(watch, error, target)
    if own:
        facts = [*own.facts, *facts]
    told = MigrationError(target.profile, reason, facts=facts, fix=_fix(watch, error))
    told.__cause__ = None if isinstance(error, MigrationError) else error
    return told


def _reason(watch: Watch, error: Exception, target: Target) -> str:
    where = f"revision {watch.running} failed" if watch.running else "the migration failed"
    if isinstance(error, DBAPIError):
        cause = error.__cause__
        if isinstance(cause, ChangedRevisionError) or isinstance(error.orig, ChangedRevisionError):
            return _changed(watch, error.orig or error)
        statement = " ".join((error.statement or "").split())[:_SHOWN]
        return f"{where}: {_first_line(error.orig)}" + (f" (in: {statement})" if statement else "")
    if isinstance(error, ChangedRevisionError):
        return _changed(watch, error)
    if isinstance(error, TimeoutError):
        seconds = target.settings.migrations.command_timeout
        return f"{where}: no answer within {seconds:g} s; the server may still be at it"
    return f"{where}: {type(error).__name__}: {_first_line(error)}"


def _changed(watch: Watch, error: BaseException) -> str:
    return (
        f"revision {watch.running} is no longer the one that was interrupted, and its beginning is in the database:"
        f" {error}"
    )


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return text.partition(": ")[2] if text.startswith("<class") else text


def _invalid_indexes(watch: Watch) -> Iterator[str]:
    for index in watch.invalid:
        yield f"CREATE INDEX CONCURRENTLY left {index} unfinished; before the next run: DROP INDEX CONCURRENTLY {index}"


def _what_ran(target: Target, watch: Watch, *, is_unanswered: bool) -> Iterator[str]:
    stay = watch.stay
    if watch.done:
        yield f"complete before it: {', '.join(watch.done)}"
    if not watch.running:
        return
    if not stay:
        yield _nothing_ran(target, watch)
        return
    if is_unanswered:  # its row was committed before it was sent
        yield "no answer came to the last of these: it may have run, or the server may still be at it"
    why = "this database cannot roll DDL back" if target.backend == "mysql" else "committed by the revision itself"
    number = "1 statement" if len(stay) == 1 else f"{len(stay)} statements"
    yield f"{number} of {watch.running} ran and stay ({why}):"
    for entry in stay:
        yield f"  {entry.statement[:_SHOWN]}"


def _nothing_ran(target: Target, watch: Watch) -> str:
    rolled_back = "" if target.backend == "mysql" else ": it was rolled back"
    if watch.is_undoing:
        return f"nothing of {watch.running} was undone{rolled_back}"
    return f"nothing of {watch.running} is in the database{rolled_back}"


def _is_unanswered(error: BaseException) -> bool:
    """Whether a statement was sent, and its answer never came."""
    return isinstance(error, TimeoutError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def _fix(watch: Watch, error: Exception) -> str:
    if isinstance(error, ChangedRevisionError):
        return (
            "put the statements that ran back, in their order; or undo them by hand, then: myfy-data db stamp REVISION"
        )
    if not watch.running_path:
        return ""
    path = shlex.quote(watch.running_path)
    after = ", which goes on after them" if watch.stay else ""
    return f"correct {path}, then run the same command again{after}"
