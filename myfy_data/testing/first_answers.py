"""What SQLAlchemy asks on an engine's first connection, asked once for the run: each test has an engine of its own."""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from myfy_data.settings.database_settings import DatabaseSettings

_PLAIN = (bool, int, str, tuple, type(None))


class FirstAnswers:
    """What the servers of a run have said of themselves: version, default schema, default isolation level."""

    def __init__(self) -> None:
        self._known: list[tuple[DatabaseSettings, dict[str, object]]] = []

    def share(self, engine: Engine, settings: DatabaseSettings) -> None:
        """Have an engine take the answers that one of the same settings got; ask, where there are none.

        Args:
            engine: one of PostgreSQL, whose answers are numbers and words; it has not connected.
            settings: where it connects to, and as whom.
        """
        dialect = engine.dialect
        ask = dialect.initialize

        def initialize(connection: Connection) -> None:
            known = next((answers for asked, answers in self._known if asked == settings), None)
            if known is not None:
                vars(dialect).update(known)
                return
            before = dict(vars(dialect))
            ask(connection)
            self._known.append((settings, _told(before, vars(dialect))))

        dialect.initialize = initialize  # type: ignore[method-assign]  # no event wraps these questions


def _told(before: dict[str, object], after: dict[str, object]) -> dict[str, object]:
    """What has changed, less what a dialect makes for itself as it goes."""
    return {
        name: value
        for name, value in after.items()
        if isinstance(value, _PLAIN) and (name not in before or before[name] != value)
    }
