"""The numbers that a module tells of its databases, by the names of the OpenTelemetry conventions (contract C12.2).

OpenTelemetry and Prometheus get the same ones; what differs is the sink. Every series belongs to one profile: its event
loops are summed, and another process is none of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from myfy_data.engines.observation import EngineObserver, Incident, Operation, Outcome, Unit
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.telemetry.statement_text import statement_text

POOL_NAME = "db.client.connection.pool.name"
STATE = "db.client.connection.state"
SYSTEM_NAME = "db.system.name"
NAMESPACE = "db.namespace"
OPERATION_NAME = "db.operation.name"
ERROR_TYPE = "error.type"
OUTCOME = "outcome"
VERDICT = "verdict"
SERVER = "server"
ROLE = "role"

Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)  # constants: one is equal to itself only, and costs nothing as a key
class Metric:
    """One number.

    Attributes:
        name: as the conventions have it, or below `myfy_data`.
        kind: how it is counted; a `total` is a counter that is looked up.
        unit: `s` for seconds, or what is counted, in braces.
        description: in one sentence.
        labels: the attributes of its series.
    """

    name: str
    kind: Literal["histogram", "counter", "gauge", "total"]
    unit: str
    description: str
    labels: tuple[str, ...] = (POOL_NAME,)


OPERATION_DURATION = Metric(
    "db.client.operation.duration",
    "histogram",
    "s",
    "Duration of statements, COMMIT and ROLLBACK.",
    (POOL_NAME, SYSTEM_NAME, NAMESPACE, OPERATION_NAME, ERROR_TYPE),
)
WAIT_TIME = Metric(
    "db.client.connection.wait_time", "histogram", "s", "Time until a connection, or a turn to write, was had."
)
CREATE_TIME = Metric("db.client.connection.create_time", "histogram", "s", "Time to open a connection.")
USE_TIME = Metric("db.client.connection.use_time", "histogram", "s", "Time between checkout and check-in.")
TIMEOUTS = Metric("db.client.connection.timeouts", "counter", "{timeout}", "Waits for a connection that were given up.")
UNITS = Metric(
    "myfy_data.unit_of_work", "counter", "{unit}", "Units of work by what became of them.", (POOL_NAME, OUTCOME)
)
COUNT = Metric("db.client.connection.count", "gauge", "{connection}", "Connections by their state.", (POOL_NAME, STATE))
MAX = Metric("db.client.connection.max", "gauge", "{connection}", "Connections that may be open.")
IDLE_MAX = Metric("db.client.connection.idle.max", "gauge", "{connection}", "Idle connections that are kept.")
PENDING = Metric(
    "db.client.connection.pending_requests", "gauge", "{request}", "Tasks that wait for a connection or a turn."
)

CREDENTIALS = Metric(
    "myfy_data.credentials.refresh",
    "counter",
    "{request}",
    "Questions to what gives credentials, by what they came to.",
    (POOL_NAME, OUTCOME),
)
LEAKS = Metric("myfy_data.leaks", "counter", "{connection}", "Connections that were reported as held for too long.")
RETRIES = Metric(
    "myfy_data.retries", "counter", "{retry}", "Units of work that ran again, by why.", (POOL_NAME, VERDICT)
)
RELOADS = Metric("myfy_data.config.reload", "counter", "{reload}", "Reloads by what they came to.", (OUTCOME,))
ROLES = Metric(
    "myfy_data.cluster.role",
    "gauge",
    "{server}",
    "1 for the role that each of a profile's several servers has.",
    (POOL_NAME, SERVER, ROLE),
)
LAG = Metric(
    "myfy_data.cluster.replication.lag", "gauge", "s", "Seconds that a replica is behind.", (POOL_NAME, SERVER)
)
FAILOVERS = Metric(
    "myfy_data.cluster.failovers", "total", "{failover}", "Times that a profile's primary was another one."
)

RECORDED = (OPERATION_DURATION, WAIT_TIME, CREATE_TIME, USE_TIME, TIMEOUTS, UNITS, CREDENTIALS, LEAKS, RETRIES, RELOADS)
LOOKED_UP = (COUNT, MAX, IDLE_MAX, PENDING, ROLES, LAG, FAILOVERS)
METRICS = (*RECORDED, *LOOKED_UP)

BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""Upper bounds of the histograms, in seconds, as the conventions advise."""

OUTCOMES: tuple[Outcome, ...] = ("commit", "rollback", "unknown", "partial")
ANSWERS = ("given", "failed", "late")
RELOAD_OUTCOMES = ("applied", "refused")
VERDICTS = ("conflict", "unreachable", "lost", "not_writable")

_WORDS = (
    "SELECT INSERT UPDATE DELETE MERGE REPLACE COMMIT ROLLBACK SAVEPOINT RELEASE BEGIN SET SHOW CREATE ALTER DROP"
    " TRUNCATE CALL EXPLAIN ANALYZE LOCK COPY PRAGMA VACUUM GRANT REVOKE EXECUTE DECLARE FETCH VALUES"
)
_OPERATIONS = frozenset(_WORDS.split())


def operation_name(word: str) -> str:
    """The kind of a statement as a label: of few values, whatever is sent."""
    return word if word in _OPERATIONS else "OTHER"


class Sink(Protocol):
    """Where numbers go."""

    def series(self, metric: Metric, attributes: Attributes) -> Callable[[float], object]:
        """What adds a value to a histogram, or to a counter, with these attributes."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What is known of a profile's database before it is used.

    Attributes:
        backend: `postgresql`, `mysql` or `sqlite`.
        system: its name in the conventions.
        namespace: the database's name; of SQLite the file's name without its directory.
    """

    backend: str
    system: str
    namespace: str


def database_facts(settings: DatabaseSettings) -> DatabaseFacts:
    """What is known of a profile's database. Pure."""
    url = settings.url
    system = "mariadb" if url.driver.startswith("mariadb") else url.backend
    name = url.database or url.username or ""
    if url.backend == "sqlite":
        name = ":memory:" if url.is_memory else name.rpartition("/")[2]
    return DatabaseFacts(url.backend, system, name)


class NumbersObserver(EngineObserver):
    """Counts and measures.

    Args:
        facts: tells of a profile's database.
        sink: where the numbers go.
    """

    def __init__(self, facts: Callable[[str], DatabaseFacts], sink: Sink) -> None:
        self._facts = facts
        self._sink = sink
        self._operations: dict[tuple[str, str], tuple[DatabaseFacts, Callable[[float], object]]] = {}
        self._others = _Series(sink)

    def operation(self, seen: Operation) -> None:
        """Measure a statement or an end."""
        facts = self._facts(seen.profile)
        word = statement_text(seen.sql, facts.backend).operation
        about, add = self._operations.get((seen.profile, word), (None, None))
        if add is None or about is not facts or seen.error is not None:
            add = self._begin(facts, seen.profile, word, seen.error)
        add(seen.ran)

    def _begin(
        self, facts: DatabaseFacts, profile: str, word: str, error: BaseException | None
    ) -> Callable[[float], object]:
        attributes = {
            POOL_NAME: profile,
            SYSTEM_NAME: facts.system,
            NAMESPACE: facts.namespace,
            OPERATION_NAME: operation_name(word),
        }
        if error is not None:
            attributes[ERROR_TYPE] = type(error).__name__
        add = self._sink.series(OPERATION_DURATION, attributes)
        if error is None and word in _OPERATIONS:  # few values, whatever is sent
            self._operations[profile, word] = facts, add
        return add

    def checkout(self, profile: str, waited: float, connecting: float) -> None:  # noqa: ARG002 - as all are told
        """Measure a wait, which mostly was none."""
        self._others[WAIT_TIME, profile, ""](waited)

    def turn(self, profile: str, waited: float) -> None:
        """Measure a wait for SQLite's turn."""
        self._others[WAIT_TIME, profile, ""](waited)

    def timeout(self, profile: str, waited: float) -> None:  # noqa: ARG002 - as above
        """Count a wait that was given up."""
        self._others[TIMEOUTS, profile, ""](1)

    def connect(self, profile: str, seconds: float) -> None:
        """Measure a connect."""
        self._others[CREATE_TIME, profile, ""](seconds)

    def checkin(self, profile: str, used: float) -> None:
        """Measure a use."""
        self._others[USE_TIME, profile, ""](used)

    def unit_end(self, profile: str, unit: Unit | None, outcome: Outcome | None) -> None:  # noqa: ARG002 - as above
        """Count a unit of work."""
        if outcome is not None:
            self._others[UNITS, profile, outcome](1)

    def incident(self, profile: str, kind: Incident, outcome: str) -> None:
        """Count what happened."""
        self._others[_OF_INCIDENT[kind], profile, outcome](1)


class _Series(dict[tuple[Metric, str, str], Callable[[float], object]]):
    """What adds to a number, by it, profile and outcome: found in a sink once, and without a call after that."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def __missing__(self, key: tuple[Metric, str, str]) -> Callable[[float], object]:
        metric, profile, outcome = key
        told = {POOL_NAME: profile, OUTCOME: outcome, VERDICT: outcome}
        add = self[key] = self._sink.series(metric, {label: told[label] for label in metric.labels})
        return add


_OF_INCIDENT: Mapping[Incident, Metric] = {
    "credentials": CREDENTIALS,
    "leak": LEAKS,
    "retry": RETRIES,
    "reload": RELOADS,
}
