"""What one run of migrations did, seen from inside Alembic: which revisions, how far, and what to tell."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from myfy_data.errors import ConfigError, DataModuleError, MigrationError, Problem
from myfy_data.migrations.journal import Entry, Journal
from myfy_data.migrations.report import Tell, finishing_command
from myfy_data.migrations.target import Target

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext, MigrationInfo, MigrationStep

_INVALID_INDEXES = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"

MigrationsFunction = Callable[[Any, Any], Iterable[Any]]


class RunRecorder:
    """One run on one connection.

    Attributes:
        before: the revisions that the database was at; None until it was asked.
        done: the revisions that are complete, in order.
        running: the revision that has begun and is not complete; empty for none.
        is_undoing: whether it is being undone.
        running_path: its file.
        notes: what to tell about it.
        stay: after a failure, the statements of `running` that are in the database and stay.
        invalid: after a failure, unusable indexes: `CREATE INDEX CONCURRENTLY` did not finish them.
        journal: how far it has come.
    """

    def __init__(self, target: Target, connection: Connection, tell: Tell, *, stamps: bool = False) -> None:
        self._stamps = stamps
        self._target = target
        self._connection = connection
        self._tell = tell
        self._violations = 0
        self.before: tuple[str, ...] | None = None
        self.done: list[str] = []
        self.running: str = ""
        self.running_path: str = ""
        self.is_undoing: bool = False
        self.notes: list[str] = []
        self.stay: list[Entry] = []
        self.invalid: list[str] = []
        self.journal: Journal = Journal(connection, target.progress_table)

    def around(self, function: MigrationsFunction) -> MigrationsFunction:
        """The same plan of steps, with each one noted before it runs."""

        def planned(heads: Iterable[str], context: MigrationContext) -> Iterator[MigrationStep]:
            self.before = tuple(heads)
            steps = list(function(heads, context))
            self._refuse_to_undo_all(steps)
            if not steps and not self._stamps:
                self._refuse_half_done()
            if steps:
                self.journal = Journal(self._connection, self._target.progress_table, context.version_table_schema)
            for number, step in enumerate(steps, 1):
                self._begins(step, f"{number} of {len(steps)}")
                yield step
            if steps:
                self.journal.close()

        return planned

    def _begins(self, step: Any, number: str) -> None:
        if step.info.is_stamp:
            return
        revision = step.revision
        direction = "upgrade" if step.is_upgrade else "downgrade"
        name = f"{direction} {revision.revision}"
        self._tell(self._target.profile, f"{name} ({number}): {revision.doc or 'no message'}")
        left = self._left_behind(name)  # refused here, this revision has not begun
        self.running, self.running_path, self.is_undoing = revision.revision, revision.path, not step.is_upgrade
        self.journal.begin(name, left)
        self._violations = self._count_violations()

    def _left_behind(self, step: str) -> list[Entry]:
        """What an earlier run left, when this one goes on from there."""
        earlier = self.journal.read()
        if not earlier:
            return []
        run, *statements = earlier
        note = unfinished(run)
        if not statements:
            self.notes.append(f"{note}; the database rolled all of it back, so it runs anew")
        elif run.step == step:
            last = statements[-1].statement
            self.notes.append(f"{note}; it goes on where that one stopped, with statement {len(statements)}: {last}")
        else:
            raise self._half_done(run, statements)
        return statements

    def _refuse_half_done(self) -> None:
        """Refuse to find nothing to do where an earlier run stopped half-way; the revision alone does not tell."""
        run, *statements = self.journal.read() or (None,)
        if run is not None and statements:
            raise self._half_done(run, statements)

    def _half_done(self, run: Entry, statements: list[Entry]) -> MigrationError:
        profile = self._target.profile
        return MigrationError(
            profile,
            f"{unfinished(run)}, and {_counted(len(statements))} of it cannot be rolled back by this database",
            facts=[entry.statement for entry in statements],
            fix=f"{finishing_command(profile, run.step)}; or undo these by hand, then:"
            f" myfy-data db stamp REVISION --profile {profile}",
        )

    def _refuse_to_undo_all(self, steps: list[Any]) -> None:
        """Refuse, where the environment is production, to undo a first revision, however it was asked for."""
        target = self._target
        undone = next(
            (step for step in steps if not (step.is_upgrade or step.info.is_stamp or step.to_revisions)), None
        )
        if undone is None or not target.is_protected or target.may_drop == target.database:
            return
        message = f"undoing {undone.revision.revision} leaves nothing of {target.database!r}, and this is production"
        fix = f"myfy-data db downgrade base --profile {target.profile} --yes-drop {shlex.quote(target.database)}"
        raise ConfigError([Problem("", f"profiles.{target.profile}", message, fix=fix)])

    def applied(self, *, step: MigrationInfo, heads: Iterable[str], **_: object) -> None:
        """Alembic's `on_version_apply`: a step is complete, and its transaction still open."""
        if step.is_stamp:
            self.done += [revision for revision in heads if revision not in (self.before or ())]
            return
        broken = self._count_violations()
        if broken > self._violations:
            raise MigrationError(
                self._target.profile,
                f"revision {self.running} breaks foreign keys: {broken - self._violations} rows refer to no row",
                facts=self._broken_rows(),
                fix=f"correct {self.running_path}",
            )
        self.journal.end()
        self.done.append(self.running)
        self.running = ""

    def forget(self) -> bool:
        """Forget what an earlier run left behind; whether it left something."""
        run, *statements = self.journal.read() or (None,)
        self.journal.close()
        if run is not None and statements:
            self.notes.append(f"{unfinished(run)}; what it left is taken for whole")
        return bool(statements)

    async def clean_up(self, connection: AsyncConnection) -> None:
        """After a failure: roll back, note what stays, and keep in the database what the next run must know."""
        with suppress(SQLAlchemyError, OSError, DataModuleError):
            await connection.rollback()
            self.stay = await connection.run_sync(lambda _: self.journal.fail())
            if self._target.backend == "postgresql":
                found = await connection.execute(text(_INVALID_INDEXES))
                self.invalid = [row[0] for row in found]
                await connection.rollback()

    def _count_violations(self) -> int:
        return len(self._violating_rows())

    def _violating_rows(self) -> list[Sequence[object]]:
        if self._target.backend != "sqlite":
            return []
        return list(self._connection.exec_driver_sql("PRAGMA foreign_key_check"))

    def _broken_rows(self) -> list[str]:
        return [f"{row[0]}, row {row[1]}, refers to {row[2]}" for row in self._violating_rows()[:5]]

    @contextmanager
    def statements(self) -> Iterator[None]:
        """Let the journal see each statement of the connection while the block runs."""
        engine = self._connection.engine

        hooks = {name: self._hook(name) for name in ("do_execute", "do_executemany", "do_execute_no_params")}
        for name, hook in hooks.items():
            event.listen(engine, name, hook)
        try:
            yield
        finally:
            for name, hook in hooks.items():
                event.remove(engine, name, hook)

    def _hook(self, name: str) -> Callable[..., bool]:
        """SQLAlchemy's event of this name: cursor, statement, for two of them parameters, context."""

        def see(*arguments: Any) -> bool:
            statement, context = arguments[1], arguments[-1]
            if context.root_connection is not self._connection:
                return False
            run = partial(getattr(context.dialect, name), *arguments)
            return self.journal.execute(run, statement, context.dialect)

        return see


def unfinished(run: Entry) -> str:
    """What the journal's first row says, in words."""
    return f"{run.step} was begun by {run.statement} and not finished"


def _counted(number: int) -> str:
    return "1 statement" if number == 1 else f"{number} statements"
