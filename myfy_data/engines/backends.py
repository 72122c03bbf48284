"""The databases: one folder and one line here for each (ADR 31)."""

from __future__ import annotations

from collections.abc import Mapping

from myfy_data.engines.connect.backend import AnyBackend
from myfy_data.engines.mysql.backend import MySQL
from myfy_data.engines.postgresql.backend import PostgreSQL
from myfy_data.engines.sqlite.backend import SQLite

BACKENDS: Mapping[str, type[AnyBackend]] = {"sqlite": SQLite, "postgresql": PostgreSQL, "mysql": MySQL}
"""By SQLAlchemy's name of the database."""
