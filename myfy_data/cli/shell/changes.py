"""Whether a session has changed something that is not committed."""

from __future__ import annotations

import re

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

_READS = re.compile(r"\s*(?:select|show|explain|values|describe|pragma)\b", re.IGNORECASE)
"""What text that only reads begins with."""


class Changes:
    """Watches a session.

    Args:
        session: SQLAlchemy's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sent = False
        event.listen(session, "do_orm_execute", self._executed)
        event.listen(session, "after_flush", self._flushed)
        event.listen(session, "after_commit", self._ended)
        event.listen(session, "after_rollback", self._ended)

    @property
    def pending(self) -> bool:
        """Whether something was changed and is neither committed nor rolled back."""
        session = self._session
        return self._sent or bool(session.new or session.dirty or session.deleted)

    def _executed(self, state: ORMExecuteState) -> None:
        if not (state.is_select or _READS.match(str(state.statement))):
            self._sent = True

    def _flushed(self, *_: object) -> None:
        self._sent = True

    def _ended(self, _session: Session) -> None:
        self._sent = False
