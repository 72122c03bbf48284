"""The settings of one profile, as an application makes them; what is wrong with its arguments is told in our words."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ValidationError

from myfy_data.settings.models import ProfileSettings
from myfy_data.settings.validation.pydantic_errors import explain_arguments


class DatabaseSettings(ProfileSettings):
    """One profile: which database it is, and how its engine, pool and sessions behave.

    The constructor reads no file and no environment. Handed to `DataModule(settings=...)`, the fields that were
    set count as arguments; the others are filled from the default profile (contract C4).

    Raises:
        InvalidDatabaseURLError: `database_url` cannot be used.
        ConfigError: no setting has a name that was given, or a value is none that it takes; all of them at once.
    """

    # Any: callers give text where the fields hold secrets and paths, and a type checker must not refuse that.
    def __init__(self, **values: Any) -> None:
        if not values:
            # By name: it stands on the loader, which stands on this.
            framework = import_module("myfy_data.settings.framework")
            values = framework.asked_for(type(self), inspect.currentframe())
        refusal: ValidationError
        try:
            super().__init__(**values)
        except ValidationError as error:
            refusal = error
        else:
            return
        raise explain_arguments(refusal, {**self.changed_defaults(), **values})

    # Validation, of a file's profiles or inside another model, need not come this way: it has words of its own.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pydantic's own mark

    @classmethod
    def changed_defaults(cls) -> dict[str, object]:
        """The defaults that a subclass changes, as `override` of myfy.core makes one; they are below all layers."""
        ours = ProfileSettings.model_fields
        return {
            name: field.default.model_dump(exclude_unset=True)
            if isinstance(field.default, BaseModel)
            else field.default
            for name, field in cls.model_fields.items()
            if name in ours and name != "environment" and field.default != ours[name].default
        }

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        # A subclass may give defaults as text, such as `override` of myfy.core: a URL must not stay a text that shows
        # its password.
        cls.model_config["validate_default"] = True
        cls.model_rebuild(force=True)
