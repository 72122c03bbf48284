"""Whether a profile's database is at the revision that the code wants."""

from __future__ import annotations

from myfy_data.cli.doctor.finding import Finding, failed
from myfy_data.errors import DataModuleError
from myfy_data.settings.data_settings import DataSettings


async def migration_findings(settings: DataSettings, name: str) -> list[Finding]:
    """One finding for a profile that has migrations of its own, none for another."""
    from myfy_data.migrations.runner import read_current
    from myfy_data.migrations.target import resolve_all

    try:
        target = next((target for target in resolve_all(settings)[0] if target.profile == name), None)
        if target is None or not target.has_migrations:
            return []
        state = await read_current(target)
    except DataModuleError as error:
        return [failed("migrations", name, error)]
    if state.is_at_head:
        return [Finding("migrations", name, "ok", f"at head: {', '.join(state.heads) or 'no revision yet'}")]
    here = ", ".join(state.current) or "no revision"
    return [Finding("migrations", name, "warn", f"at {here}, not at head", state.fix)]
