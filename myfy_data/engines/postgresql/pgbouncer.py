"""Behind PgBouncer in transaction mode every statement needs a transaction (contract C9; ADR 18)."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event

from myfy_data.errors import SessionError
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.validation.pgbouncer import NO_AUTOCOMMIT


def attach_pgbouncer(engine: Engine, profile: str, settings: DatabaseSettings) -> None:
    """Refuse statements in AUTOCOMMIT, if the profile says that PgBouncer stands in between.

    asyncpg sends a statement in two halves: the text, then the values. Between the two a transaction holds the
    server connection; without one, another client's text may be there when the values come.
    """
    if settings.pooler != "pgbouncer":
        return

    def refuse_autocommit(connection: Connection, *_: object) -> None:
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            fix = "run it by a profile that reaches the server without PgBouncer"
            raise SessionError(profile, f"AUTOCOMMIT is refused: {NO_AUTOCOMMIT}\n  fix: {fix}")

    event.listen(engine, "before_cursor_execute", refuse_autocommit)
