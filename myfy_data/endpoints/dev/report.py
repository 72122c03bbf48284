"""What the page tells, as plain data: the same for readers and for programs (contract C12.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Protocol

from myfy_data.endpoints.dev.requests import NotedRequest, RequestLog
from myfy_data.engines.pool.status import PoolStatus
from myfy_data.errors import DataModuleError, Problem
from myfy_data.redaction import redact_url
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.effective import effective_rows
from myfy_data.telemetry.slow_queries import SlowQuery


class Watched(Protocol):
    """What the page asks a module."""

    @property
    def settings(self) -> DataSettings:
        """The settings in force."""
        ...

    @property
    def profiles(self) -> Mapping[str, DatabaseSettings]:
        """Every active profile."""
        ...

    def pool_status(self, profile: str | None = None) -> PoolStatus:
        """What a pool is doing."""
        ...

    def slow_queries(self) -> tuple[SlowQuery, ...]:
        """The worst of what was slow."""
        ...

    def look_again(self) -> Sequence[Problem]:
        """What a load of the configuration finds now."""
        ...


async def collect(data: Watched, log: RequestLog) -> dict[str, object]:
    """Everything that the page tells."""
    settings = data.settings
    return {
        "environment": settings.environment,
        "default": settings.default,
        "profiles": [_profile(data, name) for name in settings.profiles],
        "requests": [_request(noted) for noted in log.recent()],
        "slow": [asdict(found) for found in data.slow_queries()],
        "migrations": await asyncio.gather(*(_migrations(settings, name) for name in data.profiles)),
        "problems": [str(problem) for problem in await asyncio.to_thread(data.look_again)],
        "values": [
            {**row.as_json(), "value": _plain(row.value), "origin": str(row.origin)} for row in effective_rows(settings)
        ],
    }


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _profile(data: Watched, name: str) -> dict[str, Any]:
    profile = data.settings.profiles[name]
    told = {
        "name": name,
        "url": redact_url(str(profile.url)),
        "active": profile.active,
        "read_only": profile.read_only,
        "pool": None,
    }
    if profile.active:
        limit = profile.pool_size + max(0, profile.max_overflow)
        with suppress(DataModuleError):  # stopped meanwhile
            told["pool"] = asdict(data.pool_status(name)) | {"limit": limit}
    return told


def _request(noted: NotedRequest) -> dict[str, object]:
    return asdict(noted) | {
        "waited": sum(statement.waited for statement in noted.statements),
        "ran": sum(statement.ran for statement in noted.statements),
        "repeated": noted.repeated,
    }


async def _migrations(settings: DataSettings, name: str) -> dict[str, object]:
    from myfy_data.migrations.runner import read_current  # noqa: PLC0415 - imports Alembic, for this page alone
    from myfy_data.migrations.target import resolve_all  # noqa: PLC0415 - as above

    target = next((target for target in resolve_all(settings)[0] if target.profile == name), None)
    if target is None or not target.has_migrations:
        return {"profile": name, "state": "none", "current": [], "heads": [], "fix": ""}
    try:
        found = await read_current(target)
    except DataModuleError as error:
        return {"profile": name, "state": type(error).__name__, "current": [], "heads": [], "fix": ""}
    state = "at head" if found.is_at_head else "not at head"
    fix = "" if found.is_at_head else found.fix
    return {"profile": name, "state": state, "current": list(found.current), "heads": list(found.heads), "fix": fix}
