"""The kit of one test session: its module, its databases, and each test's way through them (contract C13)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TypeVar, get_args

from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import ConfigError, DatabaseConnectionError, Problem
from myfy_data.migrations.metadata import put_on_path
from myfy_data.migrations.target import build_target
from myfy_data.module.lifecycle import EngineHook
from myfy_data.module.module import DataModule
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.loader import load_settings
from myfy_data.settings.validation.version_tables import database_places
from myfy_data.testing.background import Background
from myfy_data.testing.databases import TestDatabase
from myfy_data.testing.factories import Current, TestSessions
from myfy_data.testing.first_answers import FirstAnswers
from myfy_data.testing.other_environments import refuse_foreign_databases
from myfy_data.testing.registry import TestRegistry
from myfy_data.testing.running import FIX, Isolation, RunningTest
from myfy_data.testing.schema import Schema, import_metadata
from myfy_data.testing.served import ServedProfiles

ISOLATIONS: tuple[str, ...] = get_args(Isolation)
T = TypeVar("T")
Place = frozenset[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Options:
    """What `[tool.pytest.ini_options]` says.

    Attributes:
        root: pytest's root directory.
        app: `module:attribute` of the application's module; empty for one of our own.
        profiles: what a test may use without a mark.
        schema: `migrations`, `metadata:module:attribute`, `none`; empty for migrations where there are some.
        server: `auto`, `url` or `embedded`.
        worker: the name of the xdist worker; empty without.
    """

    root: Path
    app: str = ""
    profiles: tuple[str, ...] = ()
    schema: str = ""
    server: str = "auto"
    worker: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the mark of a test says.

    Attributes:
        profiles: what it may use; empty for what is allowed without a mark.
        isolation: how it is taken back; None for the database's own way.
    """

    profiles: tuple[str, ...] = ()
    isolation: Isolation | None = None


@dataclass(eq=False)
class Kit:
    """Everything that lives as long as the session; made when the first test uses it.

    Attributes:
        options: see `Options`.
        notes: what the end of the run says aloud.
        running: the test that runs; None between two.
    """

    options: Options
    notes: list[str] = field(default_factory=list)
    running: RunningTest | None = None
    _module: DataModule | None = None
    _settings: DataSettings | None = None
    _databases: dict[Place, TestDatabase] = field(default_factory=dict)
    _background: Background = field(default_factory=Background)
    _served: ServedProfiles | None = None
    _answers: FirstAnswers = field(default_factory=FirstAnswers)

    # -- settings and module -------------------------------------------------------------------------------------------

    @property
    def module(self) -> DataModule:
        """The application's module, or one of our own.

        Raises:
            ConfigError: it cannot be found.
        """
        if self._module is None:
            self._module = self._import_module() if self.options.app else DataModule()
        return self._module

    def _import_module(self) -> DataModule:
        for directory in (self.options.root, Path.cwd()):
            put_on_path(directory)
        name, _, attribute = self.options.app.partition(":")
        found = getattr(import_module(name), attribute, None) if name and attribute else None
        if not isinstance(found, DataModule):
            message = f"{self.options.app!r} leads to {type(found).__name__}, and no DataModule"
            raise ConfigError([Problem("pyproject.toml", "myfy_data_app", message, fix='myfy_data_app = "app:data"')])
        return found

    def load(self) -> DataSettings:
        """The settings of environment test.

        Raises:
            ConfigError: they cannot be used, or are those of another environment.
        """
        settings = self.module.settings if self.options.app else load_settings(environment="test")
        if settings.environment != "test":
            message = f"the module has the settings of environment {settings.environment!r}, in a test"
            raise ConfigError([Problem("argument", "environment", message, fix="DataModule()")])
        return settings

    def use(self, settings: DataSettings) -> None:
        """Take the settings of the session, once.

        Raises:
            ConfigError: a database is another environment's.
        """
        if self._settings is not None:
            return
        refuse_foreign_databases(settings, self.options.root)
        self._served = ServedProfiles(self.options.server, self.options.root, self.notes)
        self._settings = self._served.serve(settings)
        self.module.replace_settings(self._settings)
        self.module.engine_gate.make_registry = self._make_registry

    def _make_registry(self, profiles: Mapping[str, DatabaseSettings], on_engine: EngineHook | None) -> TestRegistry:
        return TestRegistry(self.running, profiles, on_engine, self._answers)

    @property
    def settings(self) -> DataSettings:
        """The settings in use."""
        assert self._settings is not None  # noqa: S101 - `use` comes first
        return self._settings

    # -- one test ------------------------------------------------------------------------------------------------------

    def begin(self, name: str, wish: Wish) -> RunningTest:
        """Prepare what a test declares, and have its module use it.

        Raises:
            ConfigError: a profile cannot be used, or there is no such isolation.
            MigrationError: a database could not be brought to its schema.
        """
        declared = self._declared(wish)
        isolation: dict[str, Isolation] = {}
        changed: dict[str, DatabaseSettings] = {}
        for place, profiles in self._by_place(declared).items():
            database = self._database(place)
            way = _checked(wish.isolation) or database.default
            updates = database.standing(way) or self._run(database.begin(way))
            for profile in profiles:
                isolation[profile] = way
                changed[profile] = self.settings.profiles[profile].model_copy(update=updates)
        test = RunningTest(name, {each: isolation[each] for each in declared}, self._sharing(declared, isolation))
        self.running = test
        gate = self.module.engine_gate
        gate.let_go()
        self.module.replace_settings(
            self.settings.model_copy(update={"profiles": {**self.settings.profiles, **changed}})
        )
        gate.enter(test)
        Current.sessions = TestSessions(lambda profile: self.module.get_session_factory(profile).create_session())
        return test

    def end(self, test: RunningTest) -> None:
        """Take back what a test has done."""
        Current.sessions = None
        registry = self.module.engine_gate.let_go(test)
        if isinstance(registry, TestRegistry):
            registry.abandon()
        self.running = None
        self.module.replace_settings(self.settings)
        for place, profiles in self._by_place(tuple(test.isolation)).items():
            database, way = self._databases[place], test.isolation[profiles[0]]
            if database.standing(way) is None:
                self._background.run(database.end(way, is_altered=bool(test.ddl & set(profiles))))

    def _declared(self, wish: Wish) -> tuple[str, ...]:
        names = wish.profiles or self.options.profiles or (self._default(),)
        return tuple(dict.fromkeys(self.settings.resolve_name(name) for name in names))

    def _default(self) -> str:
        return self.module.default_profile if self.options.app else self.settings.resolve_name()

    def _by_place(self, declared: Iterable[str]) -> dict[Place, list[str]]:
        found: dict[Place, list[str]] = {}
        for profile in declared:
            found.setdefault(self._place(profile), []).append(profile)
        return found

    def _place(self, profile: str) -> Place:
        settings = self.settings.profiles[profile]
        if settings.url.is_memory:
            return frozenset({(profile,)})
        return frozenset(database_places(settings.url))

    def _sharing(self, declared: Sequence[str], isolation: Mapping[str, Isolation]) -> dict[str, str]:
        """Which profile stands on which other's connection."""
        found: dict[str, str] = {}
        for profiles in self._by_place(declared).values():
            if isolation[profiles[0]] != "transaction":
                continue
            writer = self._writer(profiles)
            found |= {name: writer for name in profiles if name != writer}
        return found

    def _writer(self, profiles: Sequence[str]) -> str:
        """Of the profiles of one database, the first that may write; the first of all where none may."""
        return next((name for name in profiles if not self.settings.profiles[name].read_only), profiles[0])

    # -- databases -----------------------------------------------------------------------------------------------------

    def _database(self, place: Place) -> TestDatabase:
        database = self._databases.get(place)
        if database is None:
            database = self._make(place)
            self._run(database.prepare())
            self._databases[place] = database
        return database

    def _run(self, work: Coroutine[object, None, T]) -> T:
        """Run what makes a database; a server that is full is told with what a run of several workers can do."""
        try:
            return self._background.run(work)
        except DatabaseConnectionError as error:
            if self.options.worker and "no connection left" in error.reason:
                error.add_note("  or: fewer workers, such as pytest -n 2")
            raise

    def _make(self, place: Place) -> TestDatabase:
        from myfy_data.testing.mysql_databases import MySQLDatabase  # noqa: PLC0415 - one of the three is used
        from myfy_data.testing.postgresql_databases import PostgreSQLDatabase  # noqa: PLC0415 - as above
        from myfy_data.testing.sqlite_databases import SQLiteDatabase  # noqa: PLC0415 - as above

        owner = self._writer([name for name in self.settings.profiles if self._place(name) == place])
        settings = self.settings.profiles[owner]
        kinds: dict[str, Callable[[str, DatabaseSettings, Schema, str], TestDatabase]]
        kinds = {"sqlite": SQLiteDatabase, "postgresql": PostgreSQLDatabase, "mysql": MySQLDatabase}
        database = kinds[settings.url.backend](owner, settings, self._schema(owner, settings), self.options.worker)
        if isinstance(database, SQLiteDatabase):
            database.keeps_configured = self.settings.unconfigured is None
        return database

    def _schema(self, profile: str, settings: DatabaseSettings) -> Schema:
        said = self.options.schema
        if said == "none" or settings.read_only:
            return Schema()
        if said.startswith("metadata:"):
            return Schema(metadata=import_metadata(said.removeprefix("metadata:"), self.options.root))
        target = build_target(self.settings, profile)
        if target.has_migrations and settings.migrations.enabled:
            return Schema(target=target)
        if said == "migrations":
            message = f"profile {profile!r} has no migrations: {target.directory} holds no env.py"
            raise ConfigError([Problem("pyproject.toml", "myfy_data_schema", message, fix='myfy_data_schema = "none"')])
        metadata = self.module.auto_created
        is_created = metadata is not None and profile == self._default()
        return Schema(metadata=metadata if is_created else None)

    def close(self) -> None:
        """Drop what was made for this run, and leave the module as it was."""
        if self._module is not None:
            self._module.engine_gate.make_registry = EngineRegistry
        try:
            for database in self._databases.values():
                self._background.run(database.close())
        finally:
            self._background.close()
            if self._served is not None:
                self._served.close()


def _checked(isolation: Isolation | None) -> Isolation | None:
    if isolation is not None and isolation not in ISOLATIONS:
        message = f"expected one of {', '.join(ISOLATIONS)}, got {isolation!r}"
        raise ConfigError([Problem("mark", "isolation", message, fix=FIX)])
    return isolation
