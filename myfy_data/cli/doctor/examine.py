"""All checks in their order: what needs no server first, then each profile's server, all profiles at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from myfy_data.cli.doctor import server
from myfy_data.cli.doctor.certificate import certificate_findings, own_certificate_end
from myfy_data.cli.doctor.files import file_findings
from myfy_data.cli.doctor.finding import Finding, failed
from myfy_data.cli.doctor.migrations import migration_findings
from myfy_data.cli.doctor.packages import package_findings
from myfy_data.cli.doctor.probes import probe_findings
from myfy_data.engines.connect.drivers import load_driver
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import DataModuleError, Problem
from myfy_data.settings.data_settings import DataSettings


def examine(settings: DataSettings, warnings: Sequence[Problem] = ()) -> list[Finding]:
    """Run every check.

    Args:
        settings: the loaded settings.
        warnings: what the load found worth a look.
    """
    findings = [*_configuration(settings, warnings), *package_findings(), *probe_findings(settings.project_root)]
    usable = []
    for name, profile in settings.profiles.items():
        if not profile.active:
            continue
        driver = _driver(settings, name)
        findings.append(driver)
        if driver.status == "ok":
            findings += file_findings(name, profile)
            findings += certificate_findings(name, "client", own_certificate_end(profile.tls_cert), server.now())
            usable.append(name)
    return findings + asyncio.run(_servers(settings, usable))


def _configuration(settings: DataSettings, warnings: Sequence[Problem]) -> Iterator[Finding]:
    for warning in warnings:
        place = ": ".join(part for part in (warning.place, warning.key) if part)
        yield Finding("configuration", None, "warn", f"{place}: {warning.message}", warning.fix)
    if not warnings:
        yield Finding("configuration", None, "ok", f"environment {settings.environment!r}, nothing to remark")


def _driver(settings: DataSettings, name: str) -> Finding:
    url = settings.profiles[name].url
    try:
        settings.require_engines([name])
        load_driver(name, url.backend, url.driver)
    except DataModuleError as error:
        return failed("driver", name, error)
    return Finding("driver", name, "ok", f"{url.driver} can be used")


async def _servers(settings: DataSettings, names: Sequence[str]) -> list[Finding]:
    registry = EngineRegistry({name: settings.profiles[name] for name in names})
    try:
        found = await asyncio.gather(*(_profile(registry, settings, name) for name in names))
    finally:
        with contextlib.suppress(Exception):  # what was found is told even where a connection does not close
            await registry.close()
    return [finding for findings in found for finding in findings]


async def _profile(registry: EngineRegistry, settings: DataSettings, name: str) -> list[Finding]:
    profile = settings.profiles[name]
    if profile.url.is_memory or not _is_there(settings, name):
        return []
    try:
        ping = await registry.probe(name)
        found = [Finding("connection", name, "ok", f"{ping.server} answers in {ping.latency * 1000:.1f} ms")]
        found += await server.server_findings(registry, settings, ping)
    except DataModuleError as error:
        return [failed("connection", name, error)]
    return found + await migration_findings(settings, name)


def _is_there(settings: DataSettings, name: str) -> bool:
    """Whether asking changes nothing: a SQLite file that is not there would come into being."""
    from pathlib import Path

    url = settings.profiles[name].url
    return url.backend != "sqlite" or Path(url.database or "").exists()
