"""What a load leaves behind beside the values: the layers, which tell where a value came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from myfy_data.errors import Problem
from myfy_data.layers.layer import LayerStatus
from myfy_data.origins import KeyPath
from myfy_data.settings.origin_lookup import OriginLookup


@dataclass(frozen=True, slots=True)
class Provenance:
    """The memory of one load; layers hold secrets as they were written, so they stay out of `repr`.

    Attributes:
        origins: answers about origins.
        abstract: names of the templates.
        root: the project root.
        statuses: every layer, low to high.
        warnings: what a person should look at.
        unconfigured: what to tell when no configuration was found at all; also among the warnings.
        kept: paths of values that stand-ins were loaded for, because their variables are on another machine.
    """

    origins: OriginLookup = field(repr=False, compare=False)
    abstract: frozenset[str] = frozenset()
    root: Path | None = None
    statuses: tuple[LayerStatus, ...] = ()
    warnings: tuple[Problem, ...] = ()
    unconfigured: Problem | None = None
    kept: frozenset[KeyPath] = frozenset()
