"""What a reload came to, for who asked for it and for the log; without the value of a secret (contract C12.5)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from myfy_data.errors import ConfigError, DataModuleError
from myfy_data.origins import format_key
from myfy_data.reload.plan import Change, ReloadPlan

logger: logging.Logger = logging.getLogger("myfy_data.reload")


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What a reload came to.

    Attributes:
        applied: keys whose new value holds from the next use on, such as `profiles.main.pool_size`; `profiles.<name>`
            for a profile that appeared or vanished.
        swapped: profiles that have a new engine; the old one drains.
        restart_needed: keys whose new value waits until the application starts again.
    """

    applied: tuple[str, ...]
    swapped: tuple[str, ...]
    restart_needed: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing has changed."""
        return not (self.applied or self.swapped or self.restart_needed)


def report_of(plan: ReloadPlan) -> ReloadReport:
    """The report of a plan that was carried out."""
    applied = [change.key for change in plan.changes if change.effect == "live"]
    applied += [format_key(("profiles", name)) for name in (*plan.appeared, *plan.vanished)]
    waits = (change.key for change in plan.changes if change.effect == "restart")
    return ReloadReport(tuple(applied), plan.swapped, tuple(waits))


def log_plan(plan: ReloadPlan) -> None:
    """Write what was done, each key with its origin."""
    parts = list(_parts(plan))
    logger.info("%s", "; ".join(parts) if parts else "nothing has changed")


def _parts(plan: ReloadPlan) -> Iterator[str]:
    live = [_told(plan, change) for change in plan.changes if change.effect == "live"]
    live += [f"profiles.{name} may be opened" for name in plan.appeared]
    live += [f"profiles.{name} is gone" for name in plan.vanished]
    if live:
        yield f"applied: {', '.join(live)}"
    if plan.swapped:
        yield f"swapped: {', '.join(_swapped(plan, name) for name in plan.swapped)}"
    waits = [change.key for change in plan.changes if change.effect == "restart"]
    if waits:
        yield f"restart needed for: {', '.join(waits)}"


def _told(plan: ReloadPlan, change: Change) -> str:
    return f"{change.key} {change.before} -> {change.found} ({plan.settings.origin_at(change.path)})"


def _swapped(plan: ReloadPlan, name: str) -> str:
    """Without values: a new engine mostly means another address, and that may hold a secret."""
    keys = (change for change in plan.changes if change.effect == "swap" and change.path[1] == name)
    return f"{name} ({', '.join(f'{change.path[-1]} {plan.settings.origin_at(change.path)}' for change in keys)})"


def log_refusal(error: DataModuleError) -> None:
    """Write why nothing has changed."""
    if isinstance(error, ConfigError):
        count = len(error.problems)
        many = "1 problem" if count == 1 else f"{count} problems"
        logger.error("refused, nothing has changed: %s\n%s", many, error)
    else:
        logger.error("refused, nothing has changed: %s", error)
