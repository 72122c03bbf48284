"""The synchronous session inside ours: lazy at its beginning, honest at its end (contract C5.2, C5.3, C5.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, SessionTransaction

from myfy_data.errors import CommitOutcomeUnknown
from myfy_data.sessions.outcomes import Outcome, is_of_a_statement, unknown_reason


class LazySession(Session):
    """SQLAlchemy's session, which settles for its engine at the first statement and knows what its COMMIT came to.

    Attributes:
        profile: the profile's name.
        find_bind: gives the engine of the running loop.
        open_bind: stays with that engine; called by the first statement.
        is_committing: whether COMMIT is due or under way, so that a cancellation has to wait for its answer.
        outcome: what the last call of `commit` came to.
    """

    profile: str
    find_bind: Callable[[], Engine]
    open_bind: Callable[[], None]
    is_committing = False
    outcome = Outcome.NOT_REACHED
    _connection: Connection | None = None
    _bind: Engine | Connection | None = None

    @property
    def bind(self) -> Engine | Connection | None:
        """The engine of the profile; before the first statement, the one of the loop that asks."""
        return self._bind if self._bind is not None else self.find_bind()

    @bind.setter
    def bind(  # pyright: ignore[reportIncompatibleVariableOverride]  # an attribute in SQLAlchemy
        self, bind: Engine | Connection | None
    ) -> None:
        self._bind = bind

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        """The engine of the profile, to stay with; opened now if this is the first statement."""
        if self._bind is None:
            self.open_bind()
        return super().get_bind(*args, **kwargs)

    def commit(self) -> None:
        """Commit.

        Raises:
            CommitOutcomeUnknown: the answer to COMMIT never came (contract C5.3).
        """
        self.outcome = Outcome.NOT_REACHED
        self.flush()  # an error of a flush is no error of COMMIT
        self.is_committing = True
        try:
            super().commit()
        except BaseException as error:
            self._raise_unknown(error)
            raise
        finally:
            self.is_committing = False

    def _raise_unknown(self, error: BaseException) -> None:
        if self.outcome is Outcome.STORED:
            return  # what failed came behind COMMIT: a listener, or the connection's way back
        reason = unknown_reason(error)
        if reason is not None:
            self.outcome = Outcome.UNKNOWN
            raise CommitOutcomeUnknown(self.profile, reason) from error
        if not is_of_a_statement(error):
            self.outcome = Outcome.REFUSED

    def rollback(self) -> None:
        """Roll back, also what a COMMIT that failed has left open."""
        try:
            self._undo_failed_commit()
        finally:
            super().rollback()

    def _undo_failed_commit(self) -> None:
        # After a COMMIT that failed, SQLAlchemy sends no ROLLBACK and trusts the pool, which may be told not to. On
        # SQLite the transaction is then still open: the next user of the connection sees its rows and may commit them.
        connection = self._connection
        if connection is None or connection.closed or connection.invalidated:
            return
        transaction = connection.get_transaction()
        if transaction is not None and not transaction.is_active:
            connection.connection.rollback()


@event.listens_for(LazySession, "after_begin")
def _remember_connection(session: LazySession, _: SessionTransaction, connection: Connection) -> None:
    session._connection = connection  # noqa: SLF001 - as if it were a method


@event.listens_for(LazySession, "after_commit")
def _note_commit(session: LazySession) -> None:
    # Before any listener of the user's, which may fail. Told of savepoints, too: those commit nothing.
    if session.is_committing and not session.in_nested_transaction():
        session.outcome = Outcome.STORED
