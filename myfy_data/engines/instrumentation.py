"""Has an engine tell of its work, once something listens; before that nothing of this is attached (ADR 36).

The dialect's own methods are the narrowest place: every statement, COMMIT and ROLLBACK of sessions, connections and
the pool passes there, in SQLAlchemy 2.0 and 2.1 alike, with its answer. Listeners to an engine's events would cost each
connection, and would be told of COMMIT before it is sent only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from myfy_data.engines.connect.backend import AnyBackend
from myfy_data.engines.factory import OpenEngine
from myfy_data.engines.observation import OWN, EngineObserver, EngineRecorder, Hold, Kind, Operation

Send = Callable[..., Any]
T = TypeVar("T")


def attach_observers(opened: OpenEngine, observers: list[EngineObserver]) -> None:
    """Tell observers of everything that an engine does from now on.

    Args:
        opened: the engine.
        observers: who listens; the list may change later.
    """
    engine, backend = opened.engine.sync_engine, opened.backend
    if backend.recorder is not None:
        return
    recorder = backend.recorder = EngineRecorder(opened.profile, observers, backend.open_door)
    if backend.credentials is not None:
        backend.credentials.on_answer = partial(recorder.note_incident, "credentials")
    pool: Any = engine.pool  # of whatever class: sessions look there for it
    pool.recorder = recorder
    event.listen(engine, "checkout", recorder.note_checkout)
    event.listen(engine, "checkin", recorder.note_checkin)
    dialect: Any = engine.dialect
    statements, ends = _Statements(recorder, backend), _Ends(recorder, backend)
    for name in ("do_execute", "do_execute_no_params"):
        setattr(dialect, name, statements.observed(getattr(dialect, name), is_many=False))
    dialect.do_executemany = statements.observed(dialect.do_executemany, is_many=True)
    dialect.do_commit = ends.observed(dialect.do_commit, "commit")
    dialect.do_rollback = ends.observed(dialect.do_rollback, "rollback")


class _Statements:
    """Measures the statements of one engine."""

    def __init__(self, recorder: EngineRecorder, backend: AnyBackend) -> None:
        self._recorder = recorder
        self._backend = backend

    def observed(self, send: Send, *, is_many: bool) -> Send:
        """A dialect's method that executes, measured."""

        def execute(cursor: DBAPICursor, statement: str, *arguments: Any, **options: object) -> object:
            context: Any = options.get("context") or (arguments[-1] if arguments else None)
            pooled: Any = getattr(getattr(context, "root_connection", None), "connection", None)
            hold = self._recorder.hold_of(pooled)
            if hold is None:
                return send(cursor, statement, *arguments, **options)
            if OWN in context.execution_options:
                return _unheard(hold, partial(send, cursor, statement, *arguments, **options))
            batch = len(arguments[0]) if is_many else 1
            sending = partial(send, cursor, statement, *arguments, **options)
            return self._measure(hold, pooled, cursor, statement, batch, sending)

        return execute

    def _measure(
        self,
        hold: Hold,
        pooled: PoolProxiedConnection,
        cursor: DBAPICursor,
        statement: str,
        batch: int,
        send: Callable[[], T],
    ) -> T:
        adapter: Any = pooled.dbapi_connection
        has_turns = self._backend.waits_for_turns
        if has_turns:
            hold.waited += self._backend.turn_waited(adapter)
        hold.is_inside = True
        started = time.monotonic()
        operation = Operation(
            self._recorder.profile, "statement", statement, 0.0, 0.0, None, batch, None, hold.unit_at(started)
        )
        try:
            answer = send()
        except BaseException as error:
            operation.error = error
            raise
        else:
            operation.rows = self._backend.count_rows(cursor)
            return answer
        finally:
            hold.is_inside = False
            if has_turns:
                operation.waited = self._backend.turn_waited(adapter)
            self._recorder.note(hold, operation, started)


def _unheard(hold: Hold, send: Callable[[], object]) -> object:
    hold.is_inside = True
    try:
        return send()
    finally:
        hold.is_inside = False


class _Ends:
    """Measures COMMIT and ROLLBACK of one engine; one that sends nothing ends a unit of work, and is no operation."""

    def __init__(self, recorder: EngineRecorder, backend: AnyBackend) -> None:
        self._recorder = recorder
        self._backend = backend

    def observed(self, send: Send, kind: Kind) -> Send:
        """A dialect's method that ends a transaction, measured."""

        def end(pooled: DBAPIConnection) -> None:
            hold = self._recorder.hold_of(pooled)
            if hold is None:
                send(pooled)
                return
            if hold.unit is None:
                _unheard(hold, partial(send, pooled))
                return
            outcome: Any = kind
            hold.is_inside = True
            try:
                self._send(hold, pooled, kind, send)
            except BaseException:
                outcome = None if kind == "commit" else "rollback"
                raise
            finally:
                hold.is_inside = False
                self._recorder.end_unit(hold, outcome)

        return end

    def _send(self, hold: Hold, pooled: DBAPIConnection, kind: Kind, send: Send) -> None:
        if not self._backend.has_begun(pooled.dbapi_connection):
            send(pooled)
            return
        started = time.monotonic()
        unit = hold.unit_at(started)
        operation = Operation(self._recorder.profile, kind, kind.upper(), 0.0, 0.0, None, 1, None, unit)
        try:
            send(pooled)
        except BaseException as error:
            operation.error = error
            raise
        finally:
            self._recorder.note(hold, operation, started)
