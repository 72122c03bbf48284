"""The inputs, by the tool that they belong to."""

from __future__ import annotations

from tests.migrate.sources.alchemy import ALCHEMY
from tests.migrate.sources.alembic import ALEMBIC
from tests.migrate.sources.base import SECRET, Source
from tests.migrate.sources.django import DJANGO
from tests.migrate.sources.flask import FLASK
from tests.migrate.sources.variables import VARIABLES

__all__ = ["SECRET", "SOURCES", "Source"]

SOURCES: dict[str, Source] = {**VARIABLES, **DJANGO, **FLASK, **ALCHEMY, **ALEMBIC}
