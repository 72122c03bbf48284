"""The database's own word on which environment it belongs to: the guard of what destroys data (contract C14.1).

The environment's name alone is no guard: a wrong URL in a developer's variables is enough. The marker stands in the
database, so it is right about a wrong URL, and it travels with a copy, which `db mark` then says is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Column, Connection, MetaData, String, Table, delete, insert, inspect, select

from myfy_data.errors import ConfigError, Problem
from myfy_data.migrations.target import MARKER_TABLE, Target

_TABLE = Table(
    MARKER_TABLE,
    MetaData(),
    Column("environment", String(100), nullable=False),
    Column("marked_at", String(40), nullable=False),
    mysql_engine="InnoDB",
)


@dataclass(frozen=True, slots=True)
class Marker:
    """What a database says of itself.

    Attributes:
        environment: the environment that it belongs to.
        marked_at: when that was said, in ISO 8601.
    """

    environment: str
    marked_at: str


def read_marker(connection: Connection) -> Marker | None:
    """The marker; None when the database has none."""
    if not inspect(connection).has_table(MARKER_TABLE):
        return None
    row = connection.execute(select(_TABLE)).first()
    return Marker(*row) if row is not None else None


def write_marker(connection: Connection, environment: str) -> None:
    """Say which environment the database belongs to, in place of what was said before; commits."""
    _TABLE.create(connection, checkfirst=True)
    connection.execute(delete(_TABLE))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute(insert(_TABLE).values(environment=environment, marked_at=now))
    connection.commit()


def require_not_another(target: Target, marker: Marker | None) -> None:
    """Refuse to write into a database that says it is another environment's; one that says nothing passes.

    Raises:
        ConfigError: it has the marker of another environment.
    """
    if marker is not None:
        require_ours(target, marker)


def require_ours(target: Target, marker: Marker | None) -> None:
    """Refuse to touch a database that is not this environment's, by its own word.

    Raises:
        ConfigError: it has no marker, or that of another environment.
    """
    if marker is not None and marker.environment == target.environment:
        return
    mark = f"myfy-data db mark --as {target.environment} --profile {target.profile}"
    if marker is None:
        message = f"{target.database!r} does not say which environment it belongs to"
        raise refusal(target, message, f"{mark}, if it belongs to {target.environment!r}")
    message = (
        f"{target.database!r} says that it belongs to {marker.environment!r} (marked {marker.marked_at}),"
        f" and this is {target.environment!r}"
    )
    raise refusal(target, message, f"add --environment {marker.environment}; or, if it is a copy: {mark}")


def refusal(target: Target, message: str, fix: str) -> ConfigError:
    """The error of a command that did nothing."""
    return ConfigError([Problem("", f"profiles.{target.profile}", f"{message}; nothing was done", fix=fix)])
