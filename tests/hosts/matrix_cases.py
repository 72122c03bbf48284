"""The cells of a table of hosts and databases, as parameters of a test."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark.structures import ParameterSet

from tests.hosts.outcomes import EVERY_DATABASE, HOSTS

_MARKED = ("myfy", "postgresql", "mysql")


def cell(host: str, database: str, *values: object, name: str = "") -> ParameterSet:
    """One cell, with the markers of what it needs."""
    marks = [getattr(pytest.mark, word) for word in (host.partition("-")[0], database) if word in _MARKED]
    return pytest.param(host, database, *values, marks=marks, id="-".join(filter(None, (host, database, name))))


def every_cell(databases: Iterable[str] = EVERY_DATABASE) -> list[ParameterSet]:
    """Every host on each of the databases."""
    return [cell(host, database) for host in HOSTS for database in databases]
