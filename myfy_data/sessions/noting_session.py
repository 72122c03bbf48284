"""The session inside one that writes to a profile with several servers: what it commits is noted (contract C11.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import SessionTransaction

from myfy_data.engines.cluster.engine import ClusterEngine
from myfy_data.engines.cluster.own_writes import OwnWrites, Written, notes_of_task
from myfy_data.engines.cluster.position_asker import Answer
from myfy_data.engines.cluster.server import may_have_written
from myfy_data.engines.cluster.token import Token
from myfy_data.sessions.sync_session import SyncSession
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import has_several_servers


class NotingSession(SyncSession):
    """Notes each commit where it passes, whichever door it came in by, for the reads of the same request or task.

    Attributes:
        window: seconds after which a replica that may serve has what was committed.
        has_begun: whether the transaction reached a server.
        was_due: whether its COMMIT was due, so that it may be stored, whatever was answered.
    """

    window: float
    has_begun: bool = False
    was_due: bool = False
    _answer: Answer | None = None
    _before: Mapping[OwnWrites, Written] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made_in = notes_of_task()

    @property
    def token(self) -> str | None:
        """What was committed, with the place where the primary was after that, once it is known."""
        answer = self._answer
        if answer is None or not answer.done() or answer.cancelled():
            return super().token
        return Token(answer.result()).text

    @property
    def awaited_answer(self) -> Answer | None:  # type: ignore[override]  # an attribute elsewhere
        """Where the primary is; nothing of a request waits for that."""
        in_request = self._made_in is not None and self._made_in.is_of_request
        return None if in_request else self._answer

    def _each_notes(self) -> set[OwnWrites]:
        """Those of the maker of the session, and of what ends it."""
        return {notes for notes in (self._made_in, notes_of_task()) if notes is not None}

    def note_due(self) -> None:
        """COMMIT is sent next. Noted before as well: the user's listeners behind it may read."""
        self.was_due = True
        self._before = {notes: notes.note_due(self.profile, self.window) for notes in self._each_notes()}

    def note_stored(self) -> None:
        """COMMIT was answered, or there was nothing to send."""
        self.was_due = False
        before, self._before = self._before, {}
        if not self.has_begun:
            return
        if self._connection is not None and not may_have_written(self._connection):
            for notes, was in before.items():
                notes.restore(self.profile, was)
            return
        super().note_stored()
        bind = self.bind
        self._answer = bind.ask_position() if isinstance(bind, ClusterEngine) else None
        for notes in self._each_notes():
            notes.note(self.profile, self.window, self._answer)

    def note_unknown(self) -> None:
        """No answer came: the server may have stored it until now, and may yet."""
        for notes in self._each_notes():
            notes.note_unknown(self.profile, self.window)


@event.listens_for(NotingSession, "after_begin")
def _begin(session: NotingSession, _: SessionTransaction, __: Connection) -> None:
    session.has_begun = True


@event.listens_for(NotingSession, "before_commit")
def _due(session: NotingSession) -> None:
    # Told of savepoints, too: those commit nothing.
    if session.has_begun and not session.in_nested_transaction():
        session.note_due()


@event.listens_for(NotingSession, "after_transaction_end")
def _end(session: NotingSession, transaction: SessionTransaction) -> None:
    if transaction.parent is not None:
        return
    if session.was_due:
        session.note_unknown()
    session.has_begun = session.was_due = False


def notes_commits(settings: DatabaseSettings) -> bool:
    """Whether sessions that write note their commits: where reads could go to a server that lacks them."""
    return has_several_servers(settings) and settings.reads.consistency == "session"
