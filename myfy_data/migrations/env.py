"""What a profile's `env.py` calls: Alembic's environment, given a connection and never a URL (contract C8)."""

from __future__ import annotations

import logging
import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from logging.config import fileConfig
from pathlib import Path
from typing import Any

from alembic import context
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from myfy_data.errors import ConfigError, DataModuleError, Problem
from myfy_data.layers.fixes import set_aside
from myfy_data.migrations.alembic_contract import ALEMBIC
from myfy_data.migrations.connection import migration_engine, reading, run_blocking
from myfy_data.migrations.database_lock import migration_lock
from myfy_data.migrations.metadata import load_metadata, put_on_path
from myfy_data.migrations.report import tell_nothing
from myfy_data.migrations.run_recorder import RunRecorder
from myfy_data.migrations.target import Target, resolve_target
from myfy_data.package_contract import verify
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.loader import load_settings

ATTRIBUTE = "myfy_data"
"""Under this name in `Config.attributes`, our own commands hand `env.py` what to run on."""

_LOOKS = frozenset({"check", "current", "history", "revision", "show"})
"""Commands of Alembic's that only look at the database."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What one of our commands hands to `env.py`.

    Attributes:
        target: the profile.
        connection: the connection to run on; None for SQL text.
        recorder: notes what runs; None where nothing will.
        options: more arguments of `context.configure`.
        taken: grows when `env.py` takes it.
    """

    target: Target
    connection: Connection | None = None
    recorder: RunRecorder | None = None
    options: dict[str, Any] = field(default_factory=dict)
    taken: list[bool] = field(default_factory=list, compare=False)

    def require_taken(self) -> None:
        """Refuse an `env.py` that has run without it, on a connection of its own: to which database is unknown.

        Raises:
            ConfigError: it does not call `run_env()`.
        """
        if not self.taken:
            target = self.target
            place, key = str(target.directory / "env.py"), f"profiles.{target.profile}.migrations"
            message = "connects by itself, so it may be about another database than the profile's; nothing was changed"
            new = f"echo 'from myfy_data.migrations import run_env; run_env()' > {shlex.quote(place)}"
            fact = "what it gives to context.configure() are arguments of run_env()"
            fix = f"{set_aside(target.directory / 'env.py')} && {new}"
            raise ConfigError([Problem(place, key, message, (fact,), fix)])


def run_env(**options: object) -> None:
    """Run the migrations that Alembic asks for, on the profile's own database.

    Called by `env.py`, under `myfy-data db` and under `alembic` alike. The latter takes the default profile, or the one
    of `-x profile=NAME`; `-x environment=NAME` loads the settings of another environment, and `-x yes-drop=DATABASE`
    lets a downgrade to base pass in production.

    Args:
        options: more arguments for Alembic's `context.configure`, such as `include_object` or `compare_server_default`.

    Raises:
        CommandError: under `alembic`, whatever went wrong.
    """
    handed = context.config.attributes.get(ATTRIBUTE)
    if handed is not None:  # `build_config` has verified Alembic
        _run(handed, options)
        return
    try:
        verify(ALEMBIC)
        _run_for_alembic(options)
    except DataModuleError as error:
        raise CommandError(str(error)) from None


def build_config(target: Target, handed: Handed | None = None) -> Config:
    """Alembic's configuration for a profile, with what the project tells `alembic` in its own files.

    Templates, hooks and the like stand in `alembic.ini` or in `[tool.alembic]` of `pyproject.toml`. The directory is
    the profile's, and no URL is looked at.

    Raises:
        UnsupportedPackageError: this version of Alembic does not work.
    """
    verify(ALEMBIC, target.profile)
    ini, toml = target.root / "alembic.ini", target.root / "pyproject.toml"
    config = Config(
        ini if ini.is_file() else None,
        toml_file=toml if toml.is_file() else None,
        cmd_opts=Namespace(quiet=True, x=None),  # x: for context.get_x_argument()
    )
    config.set_main_option("script_location", str(target.directory).replace("%", "%%"))
    if handed is not None:
        config.attributes[ATTRIBUTE] = handed
    return config


# -- under our own commands, and in the end under alembic too ----------------------------------------------------------


def _run(handed: Handed, options: dict[str, Any]) -> None:
    handed.taken.append(True)
    arguments = _arguments(handed.target) | options | handed.options
    arguments["include_name"] = _without(handed.target.hidden, arguments.get("include_name"))
    if handed.connection is None:
        context.configure(
            dialect_name=handed.target.backend,
            literal_binds=True,
            # A style that doubles no %, unlike that of some drivers.
            dialect_opts={"paramstyle": "named"},
            **arguments,
        )
        _run_migrations()
    elif handed.recorder is None:
        context.configure(connection=handed.connection, **arguments)
        _run_migrations()
    else:
        _run_recorded(handed.connection, handed.recorder, arguments)


def _arguments(target: Target) -> dict[str, Any]:
    return {
        "target_metadata": load_metadata(target),
        "version_table": target.settings.migrations.version_table,
        # A revision is complete or not there, and the next run goes on from the last one that is complete.
        "transaction_per_migration": True,
        # Alembic's default for SQLite is what Python's sqlite3 does; our connections begin real transactions.
        "transactional_ddl": True if target.backend == "sqlite" else None,
        "render_as_batch": target.backend == "sqlite",
    }


def _run_recorded(connection: Connection, recorder: RunRecorder, arguments: dict[str, Any]) -> None:
    given = arguments.pop("on_version_apply", ())
    callbacks: Any = [*(given if isinstance(given, tuple | list) else [given]), recorder.applied]
    with _silence("alembic.runtime.migration"):  # the first of the two only says which steps Alembic wants
        context.configure(connection=connection, **arguments)
    steps = recorder.around(context.get_context().opts["fn"])
    context.configure(connection=connection, on_version_apply=callbacks, fn=steps, **arguments)
    with recorder.statements():
        _run_migrations()


def _run_migrations() -> None:
    with context.begin_transaction():
        context.run_migrations()


NameFilter = Callable[[str | None, Any, Any], bool]


def _without(hidden: frozenset[str], given: NameFilter | None) -> NameFilter:
    """Alembic's `include_name` that leaves out tables of ours, beside what the user leaves out."""

    def include(name: str | None, kind: object, parents: object) -> bool:
        if kind == "table" and name in hidden:
            return False
        return given is None or given(name, kind, parents)

    return include


@contextmanager
def _silence(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


# -- under the alembic command -----------------------------------------------------------------------------------------


def _run_for_alembic(options: dict[str, object]) -> None:
    _configure_logging(context.config)
    given = context.get_x_argument(as_dictionary=True)
    here = Path(context.script.dir).absolute()
    settings = _load_settings(here, given.get("environment"))
    target = replace(resolve_target(settings, given.get("profile")), may_drop=given.get("yes-drop"))
    put_on_path(target.root)
    if "profile" not in given and not target.has_migrations:
        target = replace(target, directory=here)  # one that no profile names, such as upstream's (contract C15)
    elif target.directory.resolve() != here.resolve():
        _move_to(target)
    if context.is_offline_mode():
        _run(Handed(target), options)
    elif _only_looks(context.config):
        run_blocking(lambda: _look(target, options))
    else:
        run_blocking(lambda: _run_locked(target, options))


def _load_settings(here: Path, environment: str | None) -> DataSettings:
    """The settings of the project that a directory of migrations belongs to.

    Relative paths in variables are from the working directory (contract C3.12), so where that is in the same project,
    the search begins there.
    """
    settings = load_settings(here, environment=environment)
    if settings.project_root is None or Path.cwd().is_relative_to(settings.project_root):
        from_here = load_settings(environment=environment)
        return from_here if from_here.project_root == settings.project_root else settings
    return settings


def _configure_logging(config: Config) -> None:
    if config.config_file_name is not None and config.file_config.has_section("loggers"):
        fileConfig(config.config_file_name, disable_existing_loggers=False)


def _move_to(target: Target) -> None:
    """Let the command that runs go on with another profile's directory than the one that the ini file names.

    Alembic knows the directory before `env.py` can read `-x profile=...`; the command and its steps hold this very
    object, so it becomes the other one.
    """
    given = context.config
    config = Config(given.config_file_name, given.toml_file_name, given.config_ini_section, cmd_opts=given.cmd_opts)
    config.set_main_option("script_location", str(target.directory).replace("%", "%%"))
    vars(context.script).clear()
    vars(context.script).update(vars(ScriptDirectory.from_config(config)))


def _only_looks(config: Config) -> bool:
    """Whether the command that runs changes nothing, so that it needs no lock."""
    return _command_name(config) in _LOOKS


def _command_name(config: Config) -> str:
    command, *_ = getattr(config.cmd_opts, "cmd", (None,))
    return getattr(command, "__name__", "")


async def _look(target: Target, options: dict[str, object]) -> None:
    handed = {"dont_mutate": True}
    async with migration_engine(target) as engine, reading(engine).connect() as connection:
        await connection.run_sync(lambda sync: _run(Handed(target, sync, options=handed), options))


async def _run_locked(target: Target, options: dict[str, object]) -> None:
    async with (
        migration_engine(target) as engine,
        engine.connect() as connection,
        migration_lock(target, connection, tell_nothing),
    ):
        stamps = _command_name(context.config) == "stamp"
        recorder = await connection.run_sync(lambda sync: RunRecorder(target, sync, tell_nothing, stamps=stamps))
        try:
            await connection.run_sync(lambda sync: _run(Handed(target, sync, recorder), options))
            await connection.commit()
        except Exception:
            await recorder.clean_up(connection)
            raise
