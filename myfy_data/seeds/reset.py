"""Beginning anew: drop, create, upgrade, seed, under every guard of what drops a database (contract C14.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from myfy_data.errors import DataModuleError
from myfy_data.migrations import commands, databases
from myfy_data.migrations.report import MigrationReport, Tell, tell_nothing
from myfy_data.migrations.runner import require_environment as require_migrations
from myfy_data.migrations.target import Target
from myfy_data.seeds.report import SeedReport
from myfy_data.seeds.runner import read_seeds, seed
from myfy_data.settings.servers import require_address


@dataclass(frozen=True, slots=True)
class ResetReport:
    """What became of one profile's database.

    Attributes:
        profile: the profile's name.
        database: the database's name.
        dropped: whether there was one.
        upgraded: what came of its migrations.
        seeded: what came of its seeds; None where they had no turn.
        error: why it was dropped and is not complete; None when all is well.
    """

    profile: str
    database: str
    dropped: bool
    upgraded: MigrationReport
    seeded: SeedReport | None = None
    error: DataModuleError | None = None


async def reset(
    target: Target, named: Callable[[], str | None], *, seeds: bool = True, tell: Tell = tell_nothing
) -> ResetReport:
    """Drop a profile's database and make it anew.

    Args:
        target: the profile; its `may_drop` is the name that was given on the command line.
        named: asks for a name that was not given; None without a terminal.
        seeds: store its seeds, where the environment is one of theirs.
        tell: hears what goes on.

    Raises:
        ConfigError: a guard refuses, the profile has no address, or the migrations or the seeds cannot be used; nothing
            was dropped.
        MigrationError: there are no migrations, or the server refuses; nothing was dropped.
        DatabaseConnectionError: the server cannot be reached.
    """
    own = "db reset" if seeds else "db reset --no-seed"
    require_address(target.profile, target.settings, databases.dropping(target, own))
    require_migrations(target)  # what cannot be made anew is not dropped
    if seeds:
        read_seeds(target)
    dropped = await databases.drop(target, named)
    await databases.create(target)
    upgraded = await commands.upgrade(target, tell=tell)
    seeded, error = None, upgraded.error
    if seeds and error is None:
        try:
            seeded = await _seed(target, tell)
        except DataModuleError as failure:
            error = failure
    return ResetReport(target.profile, target.database, dropped, upgraded, seeded, error)


async def _seed(target: Target, tell: Tell) -> SeedReport:
    if target.environment not in target.settings.seeds.environments:
        return SeedReport(target.profile, passed_over=f"they are not for {target.environment!r}")
    return await seed(target, tell)
