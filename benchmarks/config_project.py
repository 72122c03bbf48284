"""The project that every row loads, and the values that it must find there.

A base file with 16 keys for each profile, an overlay that changes two keys of every fifth profile, and one variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Tables = dict[str, dict[str, Any]]

_QUOTE = '"'
ENVIRONMENT = "development"
FROM_VARIABLE = 777
OURS = "MYFY_DATA_PROFILES__{}__POOL_SIZE"
OTHERS = "BENCH_DATA__PROFILES__{}__POOL_SIZE"
"""The same variable as the other libraries spell it: they cannot tell `DATA_` from a prefix."""


def profile_name(number: int) -> str:
    """A name that every library can spell as a variable, so without a dash."""
    return f"tenant{number:04}"


OVERRIDDEN = profile_name(1)
"""The profile whose `pool_size` a variable sets."""


def base_keys(number: int) -> dict[str, Any]:
    """The 16 keys of one profile."""
    name = profile_name(number)
    return {
        "database_url": f"postgresql+asyncpg://app@db{number % 9}.internal:5432/{name}",
        "password": f"a-password-{number:04}",
        "application_name": f"service-{name}",
        "isolation_level": "READ COMMITTED",
        "pool_size": 5 + number % 7,
        "max_overflow": 10 + number % 5,
        "pool_timeout": 12.5,
        "pool_recycle": 1800,
        "pool_pre_ping": True,
        "echo": False,
        "read_only": number % 3 == 0,
        "required": False,
        "tls": "verify-full",
        "connect_timeout": 4.5,
        "command_timeout": 45.0,
        "close_timeout": 2.5,
    }


def overlay_keys(number: int) -> dict[str, Any]:
    """What the overlay changes."""
    return {"pool_size": 50 + number % 7, "application_name": f"overlay-{profile_name(number)}"}


def expected(profiles: int) -> Tables:
    """Every profile as it must be once all three sources are merged."""
    merged = {profile_name(number): base_keys(number) for number in range(profiles)}
    for number in range(0, profiles, 5):
        merged[profile_name(number)] |= overlay_keys(number)
    merged[OVERRIDDEN]["pool_size"] = FROM_VARIABLE
    return merged


def variables() -> dict[str, str]:
    """The one variable, in both spellings."""
    name = OVERRIDDEN.upper()
    return {OURS.format(name): str(FROM_VARIABLE), OTHERS.format(name): str(FROM_VARIABLE)}


def files(directory: Path) -> list[Path]:
    """The base file and the overlay; a directory holds one format."""
    suffix = ".toml" if (directory / "myfy.toml").exists() else ".yaml"
    return [directory / f"myfy{suffix}", directory / "config" / f"{ENVIRONMENT}{suffix}"]


def write(directory: Path, profiles: int, file_format: str) -> int:
    """Write both files; returns their size in bytes."""
    to_text = {"toml": _toml, "yaml": _yaml}[file_format]
    base = {profile_name(number): base_keys(number) for number in range(profiles)}
    overlay = {profile_name(number): overlay_keys(number) for number in range(0, profiles, 5)}
    (directory / "config").mkdir(parents=True)
    (directory / f"myfy.{file_format}").touch()
    for path, tables in zip(files(directory), (base, overlay), strict=True):
        path.write_text(to_text(tables), encoding="utf-8")
    return sum(path.stat().st_size for path in files(directory))


def _toml(tables: Tables) -> str:
    sections = (
        f"[data.profiles.{name}]\n" + "".join(f"{key} = {_literal(value, _QUOTE)}\n" for key, value in keys.items())
        for name, keys in tables.items()
    )
    return "\n".join(sections)


def _yaml(tables: Tables) -> str:
    lines = ["data:", "  profiles:"]
    for name, keys in tables.items():
        lines += [f"    {name}:", *(f"      {key}: {_literal(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def _literal(value: object, quote: str = "") -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{quote}{value}{quote}" if isinstance(value, str) else str(value)
