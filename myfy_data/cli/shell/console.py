"""Python statements with top-level `await`, typed or piped, on one event loop and one session."""

from __future__ import annotations

import ast
import asyncio
import code
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Protocol

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import myfy_data
from myfy_data.cli.shell.changes import Changes
from myfy_data.errors import DataModuleError

_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_NAME = "<shell>"
_INNER = (*myfy_data.__path__, *sqlalchemy.__path__, str(Path(asyncio.__file__).parent), "<sqlalchemy")
"""Where frames stand that say nothing about a statement."""
_SQL = re.compile(
    r"\s*(?:select|insert|update|delete|create|alter|drop|show|explain)\s+(?!(?:in|is|if|and|or|not)\b)[\w*'\"`]",
    re.IGNORECASE,
)
"""A statement of SQL; with an operator of Python behind it, the word is a name."""
_NOT_AWAITED = "nothing ran: the statement is not awaited\n  fix: write await in front of it"
_OF_SQL = 'this shell takes Python, such as: await session.execute(text("..."))\nmyfy-data sql takes SQL\n'


class ShellSession(Protocol):
    """What a console needs of the session that its statements use."""

    @property
    def sync_session(self) -> Session:
        """SQLAlchemy's session inside."""
        ...

    async def commit(self) -> None:
        """Store what was done."""
        ...

    async def rollback(self) -> None:
        """Take back what was done."""
        ...


class Console(code.InteractiveConsole):
    """Runs statements one after the other; whatever one raises, the session is rolled back and the next one runs.

    Args:
        names: what statements know.
        session: their session.
        runner: the event loop that they all share.
        prompt: what stands before a line that is typed.

    Attributes:
        failed: how many statements raised.
    """

    def __init__(
        self, names: dict[str, object], session: ShellSession, runner: asyncio.Runner, prompt: str = ""
    ) -> None:
        super().__init__(names, filename=_NAME)
        self.compile.compiler.flags |= _FLAGS
        self.failed: int = 0
        self._prompt = prompt
        self._session = session
        self._runner = runner
        self._changes = Changes(session.sync_session)

    def run_piped(self, text: str) -> int:
        """Run each statement of a text; the exit code: 1 when one failed. What is not committed is rolled back."""
        try:
            statements = compile(text, _NAME, "exec", ast.PyCF_ONLY_AST | _FLAGS)
        except SyntaxError:
            self.showsyntaxerror(_NAME)
            return 1
        with _awaitables_refused():
            code_of_exit = self._run_statements(statements)
            self._refuse_kept()
        self._end("not committed, so rolled back", asks=None)
        return code_of_exit if code_of_exit is not None else int(self.failed > 0)

    def run_typed(self, banner: str, asks: Callable[[str], bool]) -> int:
        """Run what is typed until the end of the input.

        Args:
            banner: what is shown first.
            asks: asks whether to commit what was changed and is not committed.
        """
        sys.ps1, sys.ps2 = f"{self._prompt}>>> ", f"{' ' * len(self._prompt)}... "
        ended = 0
        try:
            with _awaitables_refused():
                self.interact(banner, exitmsg="")
        except SystemExit as error:
            ended = _exit_code(error)
        finally:
            del sys.ps1, sys.ps2
        self._end("rolled back", asks=asks)
        return ended

    def _run_statements(self, statements: ast.Module) -> int | None:
        for statement in statements.body:
            try:
                self.runcode(compile(ast.Interactive([statement]), _NAME, "single", _FLAGS))
            except SystemExit as error:
                return _exit_code(error)
        return None

    def _refuse_kept(self) -> None:
        """Count as failed what was kept under a name and never awaited."""
        for name, value in list(self.locals.items()):
            if inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED:
                value.close()
                self.failed += 1
                sys.stderr.write(f"{name}: {_NOT_AWAITED}\n")

    def runcode(self, code: CodeType) -> None:
        """Run one statement, and wait for it when it is a coroutine."""
        try:
            ran = FunctionType(code, self.locals)()
            if inspect.iscoroutine(ran):
                self._runner.run(ran)
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - a statement may raise anything, and the next one runs
            self.failed += 1
            self._show(error)
            self._runner.run(self._session.rollback())

    def showsyntaxerror(self, filename: str | None = None, **options: Any) -> None:
        """Show what is no Python; of SQL, where it would be some."""
        error = sys.exc_info()[1]
        super().showsyntaxerror(filename, **options)
        if isinstance(error, SyntaxError) and _SQL.match(error.text or ""):
            self.write(_OF_SQL)

    def _show(self, error: BaseException) -> None:
        """The traceback of a statement: its own lines and the application's, without ours and SQLAlchemy's."""
        told = traceback.TracebackException.from_exception(error)
        told.stack[:] = [frame for frame in told.stack if not frame.filename.startswith(_INNER)]
        if isinstance(error, SQLAlchemyError | DataModuleError):  # their text has the cause
            told.__cause__, told.__suppress_context__ = None, True
        sys.stderr.write("".join(told.format()))

    def _end(self, told: str, asks: Callable[[str], bool] | None) -> None:
        if not self._changes.pending:
            return
        if asks is not None and asks("what was changed is not committed; commit it?"):
            self._runner.run(self._session.commit())
            return
        self._runner.run(self._session.rollback())
        sys.stderr.write(f"{told}\n")


@contextmanager
def _awaitables_refused() -> Iterator[None]:
    """Make a statement an error whose value is to be awaited: shown as a value, it would pass for one that ran."""
    show = sys.displayhook

    def show_value(value: object) -> None:
        if inspect.isawaitable(value):
            if inspect.iscoroutine(value):
                value.close()
            raise TypeError(_NOT_AWAITED)
        show(value)

    sys.displayhook = show_value
    try:
        yield
    finally:
        sys.displayhook = show


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1
