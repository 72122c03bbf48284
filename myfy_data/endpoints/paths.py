"""Where the library answers by itself: what the hosts' arguments say, checked and put together (contract C12.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Protocol

from myfy_data.endpoints.dev.answer import dev_answers
from myfy_data.endpoints.dev.report import Watched
from myfy_data.endpoints.dev.requests import RequestLog
from myfy_data.endpoints.health import Operated, health_answers
from myfy_data.endpoints.http import Answer, Endpoints
from myfy_data.endpoints.metrics import Counted, metrics_answers
from myfy_data.errors import ConfigError, Problem

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class Served(Operated, Counted, Watched, Protocol):
    """What answers: a module."""


@dataclass(frozen=True, slots=True)
class EndpointPaths:
    """The paths that were asked for; None is not served.

    Attributes:
        health: of `health`; `live` and `ready` stand below it.
        metrics: of what Prometheus scrapes.
        dev: of the page of development.
    """

    health: str | None = None
    metrics: str | None = None
    dev: str | None = None

    def over(self, other: EndpointPaths) -> EndpointPaths:
        """These paths, and the other's where these have none."""
        mine = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(other, **{name: path for name, path in mine.items() if path is not None})

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ConfigError: a text is no path, or two of them are the same.
        """
        taken: set[str] = set()
        for each in fields(self):
            path = getattr(self, each.name)
            if path is None:
                continue
            if not isinstance(path, str) or not _PATH.fullmatch(path):
                raise _refused(each.name, f"expected a path such as '{_EXAMPLES[each.name]}', got {path!r}")
            if path in taken:
                raise _refused(each.name, f"{path!r} is the path of something else")
            taken |= {path, f"{path}/live", f"{path}/ready"} if each.name == "health" else {path}


_EXAMPLES: Mapping[str, str] = {"health": "/health", "metrics": "/metrics", "dev": "/_data"}


def build_endpoints(paths: EndpointPaths, data: Served, log: RequestLog | None = None) -> Endpoints:
    """What answers these paths.

    Args:
        paths: checked.
        data: the module.
        log: notes the requests for the page of development, which is not served without it.

    Raises:
        MissingPackageError: a package that one of them needs is not installed.
    """
    answers: dict[str, Answer] = {}
    if paths.health is not None:
        answers |= health_answers(paths.health, data)
    if paths.metrics is not None:
        answers |= metrics_answers(paths.metrics, data)
    if paths.dev is not None and log is not None:
        answers |= dev_answers(paths.dev, data, log)
    return Endpoints(answers, log)


def _refused(name: str, message: str) -> ConfigError:
    return ConfigError([Problem("argument", name, message, fix=f'{name}="{_EXAMPLES[name]}"')])
