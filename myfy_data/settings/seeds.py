"""The table `seeds` of a profile: where the rows of `seeds/<profile>/` may be stored (contract C14.2)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from myfy_data.settings.table import Table

_SAMPLE = 'environments = ["development", "test"]'


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name.strip() for name in value):
        told = {"message": "is no list of environments' names", "fix": _SAMPLE}
        raise PydanticCustomError("refused", "{message}", told)
    return tuple(value)


EnvironmentNames = Annotated[
    tuple[str, ...],
    PlainValidator(_names),
    PlainSerializer(list),
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
]


class SeedSettings(Table):
    """Where the profile's seeds may be stored."""

    environments: EnvironmentNames = Field(
        default=("development", "test"),
        description="Environments in which `db seed` stores the rows of `seeds/<profile>`; refused in every other one.",
    )
