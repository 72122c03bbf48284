"""Whose a database is: a test may not use one that another environment's layers name (contract C13.2)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from myfy_data.errors import ConfigError, Problem
from myfy_data.layers.environment_name import FALLBACK, TEST
from myfy_data.layers.files.discovery import BASE_NAMES, CONFIG_DIR, LOCAL, SUFFIXES
from myfy_data.layers.loader import LoadRequest
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.loader import inspect_settings
from myfy_data.settings.validation.version_tables import database_places

_REFERENCE = re.compile(r"\$\{(\w+)(?:\}|:\?)")
_WHOLE_URL = re.compile(r"""database_url["']?\s*[=:]\s*["']?\$\{(\w+)""")


@dataclass(frozen=True, slots=True)
class Named:
    """A database that an environment uses."""

    environment: str
    profile: str
    settings: DatabaseSettings


def refuse_foreign_databases(settings: DataSettings, root: Path) -> None:
    """Refuse settings of a test that lead to another environment's database, by whatever spelling.

    Raises:
        ConfigError: names each of them.
    """
    start = settings.project_root or root
    others = list(_named(start))
    problems = [
        _refusal(settings, name, other)
        for name, profile in settings.profiles.items()
        if profile.active and (other := _owner(profile, others)) is not None
    ]
    if problems:
        raise ConfigError(problems)


def _owner(profile: DatabaseSettings, others: list[Named]) -> Named | None:
    url = profile.url
    if url.is_memory or (url.backend != "sqlite" and not (url.database or url.username)):
        return None
    places = database_places(url)
    return next((other for other in others if places & database_places(other.settings.url)), None)


def _refusal(settings: DataSettings, name: str, other: Named) -> Problem:
    url = other.settings.url
    database = Path(url.database or url.username or "app")
    test = f"{database.with_suffix('')}_test{database.suffix}" if url.backend == "sqlite" else f"{database}_test"
    message = f"is the database of environment {other.environment!r}, profile {other.profile!r}: tests would change it"
    fix = f'config/test.toml: [data.profiles.{name}] database = "{test}"'
    return Problem(str(settings.origin_at(("profiles", name, "database_url"))), f"profiles.{name}", message, fix=fix)


def _named(start: Path) -> Iterator[Named]:
    """Every database that an environment other than `test` names, of this project's files."""
    base = next((start / name for name in BASE_NAMES if (start / name).is_file()), None)
    if base is None and not (start / ".env").is_file():
        return
    environ = _stand_ins(_texts(start)) | os.environ
    if base is not None:
        yield from _load(base.name, LoadRequest(start, files=[base], environment=FALLBACK, environ=environ))
    for environment in (FALLBACK, *_environments(start)):
        yield from _load(environment, LoadRequest(start, environment=environment, environ=environ))


def _load(environment: str, request: LoadRequest) -> Iterator[Named]:
    settings = inspect_settings(request).settings or _load_without_secrets(request)
    if settings is None:
        name = environment if environment not in BASE_NAMES else FALLBACK
        message = f"environment {name!r} cannot be loaded, so its databases cannot be told from those of the tests"
        raise ConfigError([Problem("", "", message, fix=f"myfy-data config check --environment {name}")])
    if settings.unconfigured is not None:
        return
    for name, profile in settings.profiles.items():
        if not profile.url.is_memory:
            yield Named(environment, name, profile)


def _load_without_secrets(request: LoadRequest) -> DataSettings | None:
    """The same where the directory of its secrets is not mounted, as that of production is not here."""
    with TemporaryDirectory() as empty:
        return inspect_settings(replace(request, overrides={"secrets_dir": empty})).settings


def _stand_ins(texts: list[str]) -> dict[str, str]:
    """Something to load with in the place of each variable that is only set in other environments."""
    names = {name for text in texts for name in _REFERENCE.findall(text)}
    urls = {name for text in texts for name in _WHOLE_URL.findall(text)}
    return {name: "sqlite://" if name in urls else "1" for name in names}


def _environments(start: Path) -> list[str]:
    directory = start / CONFIG_DIR
    found = {path.stem for path in directory.glob("*") if path.suffix in SUFFIXES} if directory.is_dir() else set()
    return sorted(found - {LOCAL, TEST, FALLBACK})


def _texts(start: Path) -> list[str]:
    paths = [start / name for name in (*BASE_NAMES, ".env")]
    paths += [path for path in (start / CONFIG_DIR).glob("*") if path.suffix in SUFFIXES]
    return [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()]
