"""The tables of a profile with several servers: how they are watched, and where reads go (contract C11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, create_model

from myfy_data.settings.table import Table
from myfy_data.settings.types import HostTexts

ReadsFrom = Literal["primary", "prefer-replica", "replica"]

READERS = {"standby": "replica", "read-only": "replica", "prefer-standby": "prefer-replica"}
"""libpq's `target_session_attrs` that mean readers, as `reads.from` says them."""


class ClusterSettings(Table):
    """How the servers of a profile are watched; one server alone is not."""

    heartbeat: float = Field(
        default=1.0, gt=0, description="Seconds between two looks at a server; also the deadline of one look."
    )
    failover_timeout: float = Field(default=30.0, gt=0, description="Seconds a checkout waits for a primary.")


if TYPE_CHECKING:
    _From = Table
else:  # a keyword of Python is no field's name in a class body
    _From = create_model(
        "_From",
        __base__=Table,
        **{
            "from": (
                ReadsFrom,
                Field(default="primary", description="Which servers a `read_only=True` session reads from."),
            )
        },
    )


class ReadsSettings(_From):
    """Where sessions go that only read (contract C11.1)."""

    max_lag: float = Field(
        default=5.0,
        gt=0,
        description="Seconds; a replica further behind, or whose lag is unknown, gets no session.",
    )
    consistency: Literal["session", "eventual"] = Field(
        default="session",
        description="`session`: requests, tasks and jobs find what they wrote; `eventual`: their reads may miss it.",
    )
    wait: float = Field(
        default=0.5,
        ge=0,
        description="Seconds that a read of what was written waits for a replica; then the primary serves it.",
    )
    pool_size: int | None = Field(
        default=None, ge=1, description="Connections kept for each replica; the profile's `pool_size` when not set."
    )
    hosts: HostTexts | None = Field(
        default=None, description="Servers that only readers use, where those have addresses of their own."
    )

    @property
    def from_(self) -> ReadsFrom:
        """What `from` says, which is a keyword of Python."""
        said: ReadsFrom = getattr(self, "from")
        return said
