"""`/metrics` as Prometheus scrapes it (contract C12.2)."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from myfy_data.endpoints.http import Answer, Response, Scope
from myfy_data.telemetry.telemetry import Telemetry


class Counted(Protocol):
    """What is scraped: a module."""

    @property
    def telemetry(self) -> Telemetry:
        """Who listens to its engines."""
        ...


def metrics_answers(path: str, data: Counted) -> dict[str, Answer]:
    """What answers a scrape, by path; counted from now on.

    Args:
        path: where it is asked for.
        data: the module.

    Raises:
        MissingPackageError: the client library is not installed.
    """
    data.telemetry.count_for_prometheus()
    return {path: partial(_scrape, data)}


async def _scrape(data: Counted, _scope: Scope) -> Response:
    body, content_type = data.telemetry.prometheus.exposition()
    return Response(200, body, content_type)
