"""MySQL: a statement that changes the schema commits, and no test can take it back (contract C13.2)."""

from __future__ import annotations

from sqlalchemy import Engine, event

from myfy_data.engines.mysql.implicit_commit import commits_implicitly
from myfy_data.telemetry.places import users_place
from myfy_data.testing.running import FIX, RunningTest

_SHOWN = 120


def watch_ddl(engine: Engine, profile: str, test: RunningTest) -> None:
    """Fail the test for a statement that commits, and have the database made anew after it."""

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if commits_implicitly(statement):
            text = " ".join(statement.split())[:_SHOWN]
            test.ddl.add(profile)
            test.fail(
                f"profile {profile!r}: this statement commits on MySQL, so nothing can take it back: {text}"
                f" ({users_place()})\n  fix: {FIX}"
            )

    event.listen(engine, "before_cursor_execute", note)
