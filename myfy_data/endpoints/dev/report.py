"""What the page tells, as plain data: the same for readers and for programs (contract C12.7)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Protocol

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

    async def explain(self, statement: str, profile: str | None = None) -> Sequence[str]:
        """The lines of a statement's plan."""
        ...

    def look_again(self) -> Sequence[Problem]:
        """What a load of the configuration finds now."""
        ...


async def collect(data: Watched, log: RequestLog, asked: tuple[str, str] | None = None) -> dict[str, object]:
    """Everything that the page tells.

    Args:
        data: the module.
        log: what it sent for which request.
        asked: profile and fingerprint of a statement whose plan is asked for.
    """
    settings = data.settings
    return {
        "plan": await _plan(data, log, *asked) if asked is not None else None,
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


async def _plan(data: Watched, log: RequestLog, profile: str, fingerprint: str) -> dict[str, object]:
    """The plan of a statement that this process ran; never of one that the address names (contract C12.3)."""
    slow = (one.statement for one in data.slow_queries() if (one.profile, one.fingerprint) == (profile, fingerprint))
    statement = next(slow, None) or log.text_of(profile, fingerprint)
    told: dict[str, object] = {"profile": profile, "statement": statement or "", "lines": [], "problem": ""}
    if statement is None:
        return told | {"problem": "no statement that is remembered has this fingerprint"}
    try:
        return told | {"lines": list(await data.explain(statement, profile))}
    except DataModuleError as error:
        return told | {"problem": str(error)}


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _profile(data: Watched, name: str) -> dict[str, object]:
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
