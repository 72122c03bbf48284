"""`DataModule`: profiles by name, from settings to sessions, inside and outside of hosts (contract C4)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from myfy_data.async_only import AsyncOnly
from myfy_data.capacity import warn_of_capacity
from myfy_data.endpoints.paths import EndpointPaths
from myfy_data.engines.cluster.status import ClusterStatus
from myfy_data.errors import ConfigError, DatabaseConnectionError, DatabaseTimeoutError, Problem
from myfy_data.health.drain import drained_at_sigterm
from myfy_data.layers.loader import LoadRequest
from myfy_data.module.lifecycle import EngineHook, EngineLifecycle
from myfy_data.module.missing_tables import MissingTables
from myfy_data.module.myfy.module_type import ModuleType, type_of_its_own
from myfy_data.module.profiles import (
    Files,
    active_profiles,
    refuse_settings_as_profile,
    required_profiles,
    resolve_profile,
    resolve_settings,
)
from myfy_data.module.reloading import Reloading, sources_of
from myfy_data.module.startup import (
    check_auto_create,
    create_tables,
    in_brief,
    load_providers,
    log_warnings,
    ping_profiles,
    warm_up_profiles,
)
from myfy_data.module.startup_migrations import Policy, check_policy, migrate_profiles
from myfy_data.sessions.cancellation import run_to_completion
from myfy_data.sessions.factory import SessionFactory
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.telemetry.slow_queries import SlowQuery
from myfy_data.telemetry.telemetry import Telemetry


class DataModule(Reloading, AsyncOnly, metaclass=ModuleType):
    """Named databases for an application: as a myfy module, in another host, or by itself.

    `async with DataModule() as data:` starts and stops it; a stopped module may start again, in any event loop.
    `session()` works without `start()`.

    Args:
        profile: the module's default profile; the settings' own default when None.
        settings: finished settings, or one profile's, whose set fields count as arguments. Settings load at first
            need when None.
        files: exactly these configuration files, as in `load_settings`.
        environment: the environment's name, as in `load_settings`.
        auto_create_tables: create the tables of `metadata` at start, in the module's default profile; refused in
            production (seed S5).
        metadata: the tables, such as `Base.metadata`.
        migrations: at start, `"check"` that each database is at head, or `"upgrade"` it, one process at a time.
        on_engine: called with profile and engine for each engine that opens; instrumentation goes there.
        health: the path, such as `"/health"`, at which a host answers whether the databases are well (contract C12.1).
        metrics: the path, such as `"/metrics"`, at which a host answers what Prometheus scrapes (contract C12.2).
        dev: the path, such as `"/_data"`, of a page for development, on this machine alone (contract C12.7).
        drain_delay: seconds from SIGTERM, which makes the process unready at once, until its server is told; only
            where `health` is served, and a load balancer has asked there lately.
        read_your_writes: `"cookie"` takes what a client wrote to its next requests (contract C11.4).
        read_your_writes_key: signs that cookie; made of the profiles' passwords when None.

    Raises:
        ConfigError: `health`, `metrics`, `dev` or `read_your_writes` cannot be meant; `migrations` is unknown, or goes
            with `auto_create_tables` where both would make the tables.
        MissingPackageError: `metrics` needs the extra `prometheus`.
        UnknownProfileError: finished settings were given, and `profile` is none of theirs that can be opened.
    """

    def __new__(cls, *_arguments: object, **_settings: object) -> Self:
        """A module with a type of its own; see `module.myfy.module_type`."""
        made: Self = object.__new__(type_of_its_own(cls))
        return made

    def __init__(  # noqa: PLR0913 - the contract's signature
        self,
        profile: str | None = None,
        *,
        settings: DataSettings | DatabaseSettings | None = None,
        files: Files | None = None,
        environment: str | None = None,
        auto_create_tables: bool = False,
        metadata: MetaData | None = None,
        migrations: Policy = "off",
        on_engine: EngineHook | None = None,
        health: str | None = None,
        metrics: str | None = None,
        dev: str | None = None,
        drain_delay: float = 5.0,
        read_your_writes: str | None = None,
        read_your_writes_key: str | bytes | None = None,
    ) -> None:
        check_policy(migrations, auto_create_tables=auto_create_tables)
        refuse_settings_as_profile(profile)
        self._profile = profile
        self._given = settings is not None
        self._sources_of = partial(sources_of, files, environment)
        self._load = partial(resolve_settings, settings, files, environment, profile)
        self._load_with = partial(resolve_settings, files=files, environment=environment, profile=None)
        self._settings: DataSettings | None = None
        self._auto_create_tables = auto_create_tables
        self._migrations: Policy = migrations
        self._metadata = metadata
        self._lifecycle = EngineLifecycle(self._openable)
        self._lifecycle.owners.append(self)
        self._telemetry = self._lifecycle.telemetry = Telemetry(lambda: self.settings)
        self._lifecycle.hooks.append(MissingTables(lambda: self.settings, creates_tables=auto_create_tables).watch)
        self._factories: dict[str | None, SessionFactory] = {}
        if on_engine is not None:
            self._lifecycle.hooks.append(on_engine)
        self._running: AsyncExitStack | None = None
        self._drain_delay = drain_delay
        self.endpoint_paths: EndpointPaths = EndpointPaths()
        self.serve_at(EndpointPaths(health=health, metrics=metrics, dev=dev))
        self.carry_tokens(read_your_writes, read_your_writes_key)
        if isinstance(settings, DataSettings):
            self._settings = self._load()
            self._resolve(None)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self._profile is None else f'profile={self._profile!r}'})"

    # -- what it knows -----------------------------------------------------------------------------------------

    @property
    def settings(self) -> DataSettings:
        """The settings; loaded now if nothing needed them before.

        Raises:
            ConfigError: the configuration cannot be used.
        """
        if self._settings is None:
            self._settings = self._load()
            self.sources: LoadRequest | None = None if self._given else self._sources_of()
        return self._settings

    @property
    def profiles(self) -> Mapping[str, DatabaseSettings]:
        """Every active profile by name."""
        return active_profiles(self.settings)

    def _openable(self) -> Mapping[str, DatabaseSettings]:
        profiles = self.profiles
        self.settings.require_engines(profiles)
        return profiles

    def _resolve(self, profile: str | None) -> str:
        return resolve_profile(self.settings, profile if profile is not None else self._profile)

    # -- what it gives -----------------------------------------------------------------------------------------

    def session(
        self,
        profile: str | None = None,
        *,
        read_only: bool = False,
        read_from: str | None = None,
        after: str | None = None,
    ) -> AbstractAsyncContextManager[AsyncSession]:
        """A block with a session: committed when the block ends well, rolled back when it raises (contract C5).

        Args:
            profile: the profile's name; the module's default when None.
            read_only: let the server refuse writes.
            read_from: as in `SessionFactory.session_context`, as `after`.
            after: a session's `token`.

        Raises:
            ValueError: `read_from` or `after` without `read_only`.
            UnknownProfileError: the profile cannot be opened.
            DataModuleNotConfiguredError: the module was stopped.
        """
        factory = None if self._lifecycle.is_stopped else self._factories.get(profile)
        factory = factory or self.get_session_factory(profile)
        return factory.session_context(read_only=read_only, read_from=read_from, after=after)

    def get_engine(self, profile: str | None = None) -> AsyncEngine:
        """The engine of a profile for the running event loop; it makes no connection until it is used.

        Raises:
            UnknownProfileError: the profile cannot be opened.
            DataModuleNotConfiguredError: the module was stopped.
        """
        return self._lifecycle.get(self._resolve(profile))

    def get_session_factory(self, profile: str | None = None) -> SessionFactory:
        """The session factory of a profile; it stays valid when the module starts again.

        Raises:
            UnknownProfileError: the profile cannot be opened.
            DataModuleNotConfiguredError: the module was stopped.
        """
        self._lifecycle.check_open()
        factory = self._factories.get(profile)
        if factory is None:
            name = self._resolve(profile)
            factory = self._factories.get(name) or SessionFactory(name, self._lifecycle, self.settings.profiles[name])
            self._factories[profile] = self._factories[name] = factory
        return factory

    def get_settings(self, profile: str | None = None) -> DatabaseSettings:
        """The settings of a profile, also before the start and after the stop.

        Raises:
            UnknownProfileError: the profile cannot be opened.
        """
        return self.settings.profiles[self._resolve(profile)]

    @property
    def telemetry(self) -> Telemetry:
        """Who listens to the module's engines."""
        return self._telemetry

    def slow_queries(self) -> tuple[SlowQuery, ...]:
        """The worst 100 of what was slow, the slowest first, also after `stop()` (contract C12.3)."""
        return self._telemetry.slow_queries()

    def cluster(self, profile: str | None = None) -> ClusterStatus:
        """What is known of a profile's servers, for the running event loop (contract C11.5); asks none of them.

        Raises:
            UnknownProfileError: the profile cannot be opened.
            DataModuleNotConfiguredError: the module was stopped.
        """
        return self._lifecycle.registry.cluster_status(self._resolve(profile))

    # -- its life ----------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether the module has started, and was not stopped since."""
        return self._running is not None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Ask the required profiles, migrate, warm up, create tables; does nothing when the module runs already.

        A start that fails closes what it opened.

        Raises:
            ConfigError: the configuration cannot be used, or a profile cannot be opened.
            AutoCreateTablesProductionError: `auto_create_tables` in production (seed S5).
            DatabaseConnectionError: a required profile does not answer within its `connect_timeout`.
            MigrationError: a database is not at head, or its migrations failed.
            DataModuleNotConfiguredError: another task stopped the module meanwhile.
        """
        if self._running is None:
            try:
                await self._start()
            except (DatabaseConnectionError, DatabaseTimeoutError) as error:
                raise in_brief(error) from None

    async def _start(self) -> None:
        default = self._resolve(None)
        metadata = check_auto_create(self.settings, default, self._metadata) if self._auto_create_tables else None
        self.settings.require_configuration()
        self.check_arguments()
        load_providers(self.settings)
        log_warnings(self.settings)
        async with AsyncExitStack() as stack:
            self._lifecycle.enter(self)
            stack.push_async_callback(self._lifecycle.leave, self)
            await self._open(default, metadata)
            if self.endpoint_paths.health is not None:
                stack.enter_context(drained_at_sigterm(self._lifecycle.readiness, self._drain_delay))
            self._lifecycle.check_open()  # another task may have stopped it meanwhile
            await stack.enter_async_context(self._reloads())
            self._running = stack.pop_all()

    async def _open(self, default: str, metadata: MetaData | None) -> None:
        registry = self._lifecycle.registry
        required = required_profiles(self.settings, default)
        await ping_profiles(registry, sorted(required))
        await migrate_profiles(self._migrations, self.settings, registry, default=default, required=required)
        await warm_up_profiles(registry, self.settings, required)
        await warn_of_capacity(self.settings, registry, sorted(required))
        if metadata is not None:
            await create_tables(registry.get(default), metadata)

    async def stop(self) -> None:
        """Close every engine within its `close_timeout`, in reverse order; a cancellation waits for that."""
        running, self._running = self._running, None
        await run_to_completion(self._lifecycle.leave(self) if running is None else running.aclose())

    # -- as a myfy module --------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The module's name in myfy."""
        return "data"

    @property
    def requires(self) -> list[type]:
        """The module types that must be there before this one: none."""
        return []

    @property
    def provides(self) -> list[type]:
        """What other modules may look for."""
        from myfy_data.module.base import IDataProvider  # noqa: PLC0415 - only myfy asks

        return [IDataProvider]

    def configure(self, container: Any) -> None:
        """Register sessions, factories, engines and settings in myfy's container.

        Raises:
            ConfigError: the configuration cannot be used, or another module has a profile of the same name.
        """
        from myfy_data.module.myfy.registration import configure  # noqa: PLC0415 - importing myfy_data pulls in no framework

        configure(self, container)

    def extend(self, container: Any) -> None:
        """Stand around the handlers of the application's router."""
        from myfy_data.module.myfy.registration import endpoints_of, is_first, token_cookie_of  # noqa: PLC0415 - as above
        from myfy_data.module.myfy.routing import stand_around_handlers  # noqa: PLC0415 - as above

        if is_first(self, container):
            stand_around_handlers(container, partial(endpoints_of, container), partial(token_cookie_of, container))

    def finalize(self, container: Any) -> None:
        """Refuse providers that ask for a session of a profile which is not there; have no engine and no settings kept.

        Raises:
            DataModuleError: names provider and profile.
        """
        from myfy_data.module.myfy.registration import keep_nothing_fleeting  # noqa: PLC0415 - as above
        from myfy_data.module.myfy.routing import check_qualifiers  # noqa: PLC0415 - as above

        check_qualifiers(container)
        keep_nothing_fleeting(container)

    def adopt_settings(self, found: DataSettings | DatabaseSettings) -> None:
        """Use the settings that an application holds among its own, unless the module was given some (seed S11).

        Raises:
            ConfigError: the module has loaded its settings already.
        """
        if self._given:
            return
        if self._settings is not None:
            message = "the module had loaded its settings before it met those of the application"
            raise ConfigError([Problem("argument", "settings", message, fix="DataModule(settings=...)")])
        self._load, self._given = partial(self._load_with, found), True

    def has_settings_of(self, other: DataModule) -> bool:
        """Whether both modules would open the same engines."""
        mine, its = self.settings, other.settings
        return mine.environment == its.environment and mine.profiles == its.profiles

    @property
    def engine_gate(self) -> EngineLifecycle:
        """Where all of the module's connections come from."""
        return self._lifecycle

    @property
    def default_profile(self) -> str:
        """The profile that is meant when none is named, also while the module is stopped; for the test kit.

        Raises:
            ConfigError: there is none.
        """
        return self._resolve(None)

    @property
    def auto_created(self) -> MetaData | None:
        """The tables that a start creates; for the test kit."""
        return self._metadata if self._auto_create_tables else None

    def share_engines(self, other: DataModule) -> None:
        """Use the engines of another module; the last of them to stop closes the engines (contract C6)."""
        other._lifecycle.hooks.extend(self._lifecycle.hooks)
        other._lifecycle.owners.append(self)
        self._lifecycle, self._telemetry = other._lifecycle, other._telemetry
