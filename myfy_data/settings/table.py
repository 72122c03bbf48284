"""What every table of a profile has in common: it is frozen, and shows no secret and no input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from myfy_data.redaction import redact_value


class Table(BaseModel):
    """A frozen table of the file whose `repr` shows no secret and whose errors show no input."""

    # No strict=True here: strictness is given per call, for files only, so that an application may fill
    # these models from text (contract C4).
    # allow_inf_nan=False: every wait has an end, so no deadline is infinite (contract C10).
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        return [(name, redact_value(name or "", value)) for name, value in super().__repr_args__()]
