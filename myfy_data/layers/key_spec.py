"""The names that layers may use and the kinds of value they take.

The settings floor builds one `KeySpec` from its models and hands it down, so that layers can fit names and
read text without knowing any model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from myfy_data.origins import KeyPath

PREFIX = "MYFY_DATA_"
"""What the names of our variables begin with."""


class Kind(Enum):
    """How the text of a value is read; never guessed from the text itself (contract C3.6)."""

    TEXT = "text"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    JSON = "a JSON object"
    JSON_VALUE = "a JSON value"
    LIST = "a list with commas, such as a,b"
    TABLE = "a table"


@dataclass(frozen=True)
class KeySpec:
    """Every name that configuration may use.

    Attributes:
        root: keys beside `profiles`, such as `default`.
        profile: keys of a profile, with how their text is read.
        tables: for each key of kind TABLE, the keys inside it.
        structure: keys of a profile's table that shape the merge (`extends`, `abstract`, `unset`).
        identity: keys that say which database a profile is.
        free: keys whose tables have keys of the driver's, not of ours.
        root_tables: for each root key of kind TABLE, the keys inside it.
    """

    root: Mapping[str, Kind]
    profile: Mapping[str, Kind]
    tables: Mapping[str, Mapping[str, Kind]]
    structure: frozenset[str]
    identity: frozenset[str]
    free: frozenset[str]
    root_tables: Mapping[str, Mapping[str, Kind]]

    @cached_property
    def in_profile(self) -> frozenset[str]:
        """Every key that a profile's table may have."""
        return frozenset({*self.profile, *self.structure})

    @cached_property
    def flat(self) -> frozenset[str]:
        """Every key of the default profile that may stand beside `profiles`."""
        return frozenset({*self.profile, "unset"})

    @cached_property
    def beside_profiles(self) -> frozenset[str]:
        """Every key that may stand in the table `data`."""
        return frozenset({*self.root, "profiles", *self.flat})

    def root_kind(self, path: tuple[str, ...]) -> Kind | None:
        """How the text of the key at `path` beside `profiles` is read; None when there is no such key."""
        if len(path) == 1:
            return self.root.get(path[0])
        return self.root_tables.get(path[0], {}).get(path[1]) if len(path) == 2 else None

    def kind_at(self, path: tuple[str, ...]) -> Kind | None:
        """How the text of the key at a full path is read, in a profile or beside them."""
        if path[0] != "profiles":
            return self.root_kind(path)
        return self.kind(path[2:]) if len(path) > 2 else None

    def kind(self, path: tuple[str, ...]) -> Kind | None:
        """How the text of the key at `path` inside a profile is read; None when there is no such key."""
        kind = self.profile.get(path[0])
        if kind is None or len(path) == 1:
            return kind
        if path[0] in self.free:
            return Kind.JSON_VALUE
        return self.tables.get(path[0], {}).get(path[1]) if len(path) == 2 else None


ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("url", "uri", "dsn", "db_url", "database_uri"), "database_url"),
    **dict.fromkeys(("user", "login"), "username"),
    **dict.fromkeys(("pass", "passwd", "pwd"), "password"),
    **dict.fromkeys(("db", "dbname", "name"), "database"),
    **dict.fromkeys(("hostname", "server"), "host"),
    **dict.fromkeys(("dialect", "engine", "backend"), "driver"),
    **dict.fromkeys(("ssl", "sslmode", "ssl_mode"), "tls"),
    **dict.fromkeys(("ssl_ca", "sslca", "sslrootcert", "ssl_root_cert"), "tls_ca"),
    **dict.fromkeys(("ssl_cert", "sslcert"), "tls_cert"),
    **dict.fromkeys(("ssl_key", "sslkey"), "tls_key"),
    "timeout": "pool_timeout",
    "recycle": "pool_recycle",
    "pre_ping": "pool_pre_ping",
}
"""What other libraries call our keys; only ever used to suggest the right one."""


AS_NEAR: Mapping[str, str] = {
    "timeout": "as near: connect_timeout (for a new connection), command_timeout (for an answer, by the driver),"
    " statement_timeout (for a statement, by the server)",
}
"""Names with more than one meaning here: what else may have been meant than the one in `ALIASES`."""


PROFILE_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
MAX_NAME = 63


STEERING_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("env", "stage", "app_env"), "environment"),
    **dict.fromkeys(("profile", "default_profile"), "default"),
    **dict.fromkeys(("config_file", "config_path", "file", "files", "settings"), "config"),
    **dict.fromkeys(("secrets", "secret_dir", "secrets_path"), "secrets_dir"),
}
"""Other tools' names of variables that steer the load; only ever used to suggest the right one."""


def is_profile_name(name: str) -> bool:
    """Whether a profile may have this name (contract C2)."""
    return len(name) <= MAX_NAME and PROFILE_NAME.fullmatch(name) is not None


def fold_name(name: str) -> str:
    """What a profile's name has in common with the variables that mean it: `Read-Replica` is `read_replica`."""
    return name.lower().replace("-", "_")


def variable_for(path: KeyPath) -> str:
    """The variable that sets the key at `path` (contract C3.6); `variables/fitting.py` finds the way back."""
    if len(path) > 1 and path[0] == "profiles":
        return f"{PREFIX}PROFILES__{fold_name(path[1]).upper()}__" + "__".join(path[2:]).upper()
    return PREFIX + "__".join(path).upper()


def is_private(key: str) -> bool:
    """Whether a key is the user's own (`x-...`), which no layer judges (contract C2)."""
    return key.startswith("x-")
