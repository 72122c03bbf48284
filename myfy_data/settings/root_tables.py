"""Tables that stand beside `profiles` and belong to no profile; a further one is a model and a line here."""

from __future__ import annotations

from pydantic import Field

from myfy_data.settings.table import Table


class CapacitySettings(Table):
    """How often the application runs, for the arithmetic of `myfy-data capacity` (contract C11.7)."""

    instances: int = Field(default=1, ge=1, description="Machines or containers that run the application.")
    workers: int = Field(
        default=1, ge=1, description="Processes of each instance; the variable WEB_CONCURRENCY where it is set."
    )
    surge: float = Field(
        default=0.0, ge=0, description="Share of instances that a rolling update starts beside the others: 0.25."
    )


class ReloadSettings(Table):
    """What makes a running module read its configuration again (contract C12.5)."""

    watch: bool = Field(default=False, description="Reload when a file of the configuration has changed.")
    interval: float = Field(default=2.0, gt=0, description="Seconds between two looks at the files.")
    sighup: bool = Field(
        default=True,
        description="Reload at SIGHUP, where the event loop runs in the main thread and nothing else handles it.",
    )


ROOT_TABLE_MODELS: dict[str, type[Table]] = {"capacity": CapacitySettings, "reload": ReloadSettings}
"""Keys beside `profiles` that are tables with keys of ours."""
