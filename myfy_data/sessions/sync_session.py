"""The synchronous session inside ours: lazy at its beginning, honest at its end (contract C5.2, C5.3, C5.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, SessionTransaction

from myfy_data.engines import observation
from myfy_data.engines.cluster.position_asker import Answer
from myfy_data.engines.cluster.token import Token
from myfy_data.engines.observation import EngineRecorder
from myfy_data.errors import CommitOutcomeUnknown
from myfy_data.sessions.commit_outcome import Outcome, is_of_a_statement, refused_outcome, unknown_reason
from myfy_data.sessions.lazy_loads import explain_lazy_load

_TOLD: Mapping[Outcome, observation.Outcome] = {
    Outcome.REFUSED: "rollback",
    Outcome.ENDED_AND_STORED: "commit",
    Outcome.UNKNOWN: "unknown",
}
"""What a COMMIT that was answered with an error came to, as those are told who listen to the engine."""


class EngineChoice(Protocol):
    """What knows the engine of a session."""

    def find(self) -> Engine:
        """The engine of the running loop."""
        ...

    def open(self, session: SyncSession) -> None:
        """Stay with that engine; called by the first statement."""
        ...


class _LazyBind:
    """The engine of the profile; before the first statement, the one of the loop that asks."""

    def __get__(self, session: SyncSession | None, owner: type[SyncSession]) -> object:
        return self if session is None else session.source.find()


class SyncSession(Session):
    """SQLAlchemy's session, which settles for its engine at the first statement and knows what its COMMIT came to.

    Attributes:
        profile: the profile's name.
        source: where its engine comes from.
        is_committing: whether COMMIT is due or under way, so that a cancellation has to wait for its answer.
        outcome: what the last call of `commit` came to.
        awaited_answer: what the token needs and the end of the session waits for; None for nothing.
    """

    profile: str
    source: EngineChoice
    is_committing: bool = False
    outcome: Outcome = Outcome.NOT_REACHED
    awaited_answer: Answer | None = None
    _has_stored: bool = False
    _connection: Connection | None = None
    bind: Engine | Connection | None = cast("Any", _LazyBind())  # an attribute of its own takes its place

    @property
    def token(self) -> str | None:
        """What was committed, for reads elsewhere (contract C11.4); on one server, that something was."""
        return Token().text if self._has_stored or self.outcome.may_be_stored else None

    def note_stored(self) -> None:
        """COMMIT was answered, or there was nothing to send."""
        self._has_stored = self._has_stored or self._connection is not None

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        """The engine of the profile, to stay with; opened now if this is the first statement."""
        if "bind" not in self.__dict__:
            self.source.open(self)
        return super().get_bind(*args, **kwargs)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Execute a statement; an attribute that loads itself when it is read comes through here, too.

        Raises:
            LazyLoadError: it was read where nothing can be awaited.
        """
        try:
            return super().execute(*args, **kwargs)
        except SQLAlchemyError as error:
            told = explain_lazy_load(self.profile, error)
            if told is None:
                raise
        raise told  # its cause would tell the same without the attribute, in a hundred lines

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
            self.tell_outcome("unknown")
            raise CommitOutcomeUnknown(self.profile, reason) from error
        if not is_of_a_statement(error):
            self.outcome = refused_outcome(error)
            self.tell_outcome(_TOLD[self.outcome])

    def tell_outcome(self, outcome: observation.Outcome) -> None:
        """Tell those who listen to the engine what became of a COMMIT that failed."""
        recorder: EngineRecorder | None = getattr(getattr(self.__dict__.get("bind"), "pool", None), "recorder", None)
        if recorder is not None:
            recorder.tell_outcome(outcome)

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


@event.listens_for(SyncSession, "after_begin")
def _remember_connection(session: SyncSession, _: SessionTransaction, connection: Connection) -> None:
    session._connection = connection  # noqa: SLF001 - as if it were a method


@event.listens_for(SyncSession, "after_commit")
def _note_commit(session: SyncSession) -> None:
    # Before any listener of the user's, which may fail. Told of savepoints, too: those commit nothing.
    if session.in_nested_transaction():
        return
    if session.is_committing:
        session.outcome = Outcome.STORED
    session.note_stored()
