"""The variable that sets a key (contract C3.6). Which key a variable sets is found in `variables/names.py`."""

from __future__ import annotations

from myfy_data.layers.key_spec import fold_name
from myfy_data.origins import KeyPath

PREFIX = "MYFY_DATA_"


def variable_for(path: KeyPath) -> str:
    """The variable that sets the key at `path`: the inverse of fitting."""
    if len(path) > 1 and path[0] == "profiles":
        return f"{PREFIX}PROFILES__{fold_name(path[1]).upper()}__" + "__".join(path[2:]).upper()
    return PREFIX + "__".join(path).upper()
