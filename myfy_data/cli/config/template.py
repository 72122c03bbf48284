"""The text of a new `myfy.toml`."""

from __future__ import annotations

import textwrap

TEMPLATE_URL = "sqlite+aiosqlite:///./myfy.db"

_HEAD = f'''\
#:schema ./schemas/myfy.schema.json
#
# The databases of this project. Lines that begin with "# " are examples: take the "# " away to use one.
#
#   myfy-data config check                  what is wrong with this file
#   myfy-data config show --origin          the values in force, and where each comes from
#   myfy-data config explain pool_size      what a key means, and which variable sets it
#
# Later layers win: this file, config/<environment>.toml, config/local.toml, .env, MYFY_DATA_* variables.

[data]
default = "main"

[data.profiles.main]
database_url = "{TEMPLATE_URL}"
# database_url = "postgresql+asyncpg://app@db.internal/main"
# password = "${{DB_PASSWORD}}"          # or password_file = "/run/secrets/db"
'''

_TAIL = """\

# A second database, on the settings of the first:
#
# [data.profiles.analytics]
# extends = "main"
# database_url = "sqlite+aiosqlite:///./analytics.db"
"""

_SHOWN = (
    "pool_size",
    "max_overflow",
    "pool_timeout",
    "pool_recycle",
    "echo",
    "tls",
    "connect_timeout",
    "command_timeout",
)
_SAMPLES = {"tls": '"verify-full"'}


def template_text() -> str:
    """A new `myfy.toml`: one SQLite profile, and the most wanted settings as comments, at their defaults."""
    return f"{_HEAD}\n{_settings()}{_TAIL}"


def _settings() -> str:
    from myfy_data.settings.schema.fields import profile_settings

    rows = {row.key: row for row in profile_settings()}
    lines = []
    for key in _SHOWN:
        row = rows[key]
        setting = f"# {key} = {row.default or _SAMPLES[key]}"
        lines.append(f"{setting:<32} # {textwrap.shorten(row.meaning, 90)}\n")
    return "".join(lines)
