"""What stands before the command: each database made, migrated and seeded, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator

from myfy_data.migrations import commands, databases
from myfy_data.migrations.marker import require_not_another
from myfy_data.migrations.report import Tell
from myfy_data.migrations.target import Target, resolve_all
from myfy_data.seeds.runner import seed
from myfy_data.settings.data_settings import DataSettings


def local_targets(settings: DataSettings) -> Iterator[Target]:
    """The profiles whose database is on this machine and ours to migrate; others are left as they are."""
    targets, _ = resolve_all(settings)
    yield from (target for target in targets if target.settings.url.is_loopback)


async def prepare(target: Target, tell: Tell) -> str:
    """Make a profile's database where it is missing, migrate it, and store its seeds; what was done, in words.

    Raises:
        DataModuleError: a step failed; those behind it had no turn.
    """
    done = []
    if await databases.exists(target):
        require_not_another(target, await databases.read(target))
    else:
        await databases.create(target)
        done.append("created")
    if target.has_migrations:
        report = await commands.upgrade(target, tell=tell)
        report.raise_failure()
        done.append(report.outcome)
    if target.environment in target.settings.seeds.environments:
        seeds = await seed(target, tell)
        done += [f"{file.file}: {file}" for file in seeds.files]
    return ", ".join(done) or "there already"
