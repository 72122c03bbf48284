"""What is stored when: the one table that the tests hold every host to, and that the documentation shows."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults import Fault

SQLITE, POSTGRESQL, MYSQL = "sqlite", "postgresql", "mysql"
EVERY_DATABASE = (SQLITE, POSTGRESQL, MYSQL)
DEFERRING = (SQLITE, POSTGRESQL)
"""Databases whose COMMIT itself can fail on a constraint."""
NETWORKED = (POSTGRESQL, MYSQL)

MYFY_VERSIONS = ("0.1.2", "0.1.2a94")
HOSTS = {
    **{f"myfy-{version}": f"myfy {version}" for version in MYFY_VERSIONS},
    "fastapi": "FastAPI",
    "starlette": "Starlette",
    "litestar": "Litestar",
}


@dataclass(frozen=True)
class Row:
    """One thing that can happen to a request.

    Attributes:
        act: what the handler does, a name of `acts.ACTS`.
        title: the same in words; the first cell of the documentation's table.
        status: what the client is answered.
        stored: rows in the default profile at the end.
        second: rows in the second profile at the end.
        at_start: rows of the default profile that another connection sees when the response starts; as `stored` when
            None.
        databases: where it can happen.
        fault: what the proxy does at COMMIT.
        nth: at which COMMIT of the request.
        without: hosts that have no such thing, and why.
    """

    act: str
    title: str
    status: int
    stored: int
    second: int = 0
    at_start: int | None = None
    databases: tuple[str, ...] = EVERY_DATABASE
    fault: Fault | None = None
    nth: int = 1
    without: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For the names of tests."""
        return self.act if self.fault is None else f"{self.act}, {self.fault.value} at COMMIT {self.nth}"


ROWS = [
    Row("returned", "returns", 200, 1),
    Row("redirected", "returns a redirect (any status below 400)", 303, 1),
    Row("returned_422", "returns 422 (any status from 400)", 422, 0),
    Row("raised", "raises", 500, 0),
    Row("http_exception", "raises the host's HTTP exception, with 409", 409, 0),
    Row(
        "handled",
        "raises, and the application's exception handler answers 200",
        200,
        0,
        without=tuple(host for host in HOSTS if host.startswith("myfy")),
    ),
    Row("committed_then_more", "commits, writes more, returns", 200, 2),
    Row("committed_then_raised", "commits, writes more, raises", 500, 1),
    Row("rolled_back", "rolls back, returns", 200, 0),
    Row("constraint_at_flush", "returns; a constraint fails at the last flush", 500, 0),
    Row("constraint_at_commit", "returns; a constraint fails at COMMIT", 500, 0, databases=DEFERRING),
    Row("returned", "returns; the line breaks before COMMIT arrives", 503, 0, databases=NETWORKED, fault=Fault.RESET),
    Row(
        "returned",
        "returns; COMMIT is done, and the line breaks before its answer",
        503,
        1,
        databases=NETWORKED,
        fault=Fault.LOSE_REPLY_AND_CLOSE,
    ),
    Row(
        "returned",
        "returns; COMMIT is done, and its answer never comes",
        503,
        1,
        databases=NETWORKED,
        fault=Fault.LOSE_REPLY,
    ),
    Row("ended_by_the_database", "returns, although its database has rolled the transaction back by itself", 500, 0),
    Row("timed_out", "is cancelled by its `asyncio.timeout`", 500, 0),
    Row("timed_out_in_a_statement", "is cancelled in a statement by its `anyio.fail_after`", 500, 0),
    Row(
        "went_on_after_a_cancelled_statement",
        "returns, although its `anyio.move_on_after` has cancelled a statement",
        500,
        0,
    ),
    Row("streamed", "returns a stream, which sees the row", 200, 1),
    Row("streamed_with_the_session", "returns a stream that uses the request's session: an error there", 200, 1),
    Row("in_background", "returns, with a background task that writes a row if it sees the first", 200, 2, at_start=1),
    Row("both", "writes to two profiles, returns", 200, 1, second=1),
    Row("second_raised", "writes to two profiles; the second refuses in the handler", 500, 0),
    Row("second_fails_at_commit", "writes to two profiles; the second one's COMMIT fails", 500, 1, databases=DEFERRING),
    Row(
        "both",
        "writes to two profiles; the line breaks before the second COMMIT arrives",
        500,
        1,
        databases=NETWORKED,
        fault=Fault.RESET,
        nth=2,
    ),
]

CLIENT_GONE = {"uvicorn": 1, "hypercorn": 1}
"""Rows in the end when the client leaves while the handler works, by server."""
