"""Settings as myfy.core asks for them: by calling the class (contract C15).

`load_settings` of myfy.core calls a settings class without arguments and expects what the environment says; `override`
of myfy.core makes a subclass with other defaults. Neither can be told anything, so both are recognised.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.loader import load_request


def asked_for(kind: type[DatabaseSettings], constructor: FrameType | None) -> dict[str, Any]:
    """The values of settings that are made without any: those of the default profile for myfy's loader, else none.

    Args:
        kind: the class that is called.
        constructor: the frame of its constructor.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    config = sys.modules.get("myfy.core.config")
    caller = constructor.f_back if constructor is not None else None
    if caller is None or config is None or caller.f_code is not config.load_settings.__code__:
        return {}
    settings = load_request(LoadRequest(defaults=kind.changed_defaults()))
    profile = settings.profile()
    return {name: getattr(profile, name) for name in profile.model_fields_set} | {"environment": settings.environment}
