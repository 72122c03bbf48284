"""The part of `DataModule` that reads its configuration again while it runs (contract C12.5; ADR 39)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from myfy_data.engines.draining import Opened
from myfy_data.engines.options import build_engine_options
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import ConfigError, DataModuleError, DataModuleNotConfiguredError, Problem
from myfy_data.layers.loader import LoadRequest
from myfy_data.module.operations import Operations
from myfy_data.module.profiles import Files, active_profiles, resolve_profile
from myfy_data.module.startup import load_providers, log_new_warnings
from myfy_data.module.startup_migrations import Policy
from myfy_data.reload.paths import watched_paths
from myfy_data.reload.plan import ReloadPlan, plan_reload
from myfy_data.reload.report import ReloadReport, log_plan, log_refusal, report_of
from myfy_data.reload.sighup import reloaded_at_sighup
from myfy_data.reload.watch import state_of, watch
from myfy_data.sessions.factory import SessionFactory
from myfy_data.settings.data_settings import DataSettings
from myfy_data.settings.loader import load_request

_NOT_RUNNING = "a module is reloaded between its start and its stop\n  fix: await data.start()"


class Reloading(Operations):
    """What a module needs to be reloaded.

    Attributes:
        sources: what its settings were loaded from; None where code gave them.
    """

    sources: LoadRequest | None = None
    _settings: DataSettings | None
    _profile: str | None
    _migrations: Policy
    _load: Callable[[], DataSettings]
    _factories: dict[str | None, SessionFactory]

    async def reload(self) -> ReloadReport:
        """Read the configuration again, and use what has changed: all of it, or nothing (contract C12.5).

        Engines whose database or whose connections change are replaced: the new one is opened and asked first, new work
        goes to it, and the old one drains. Variables of the process and arguments are those that it was started with.

        Returns:
            What holds now, which profiles have a new engine, and what waits for a restart.

        Raises:
            ConfigError: the configuration cannot be used; holds every problem.
            DatabaseConnectionError: a server that a profile is to use from now on does not answer.
            DataModuleError: the module was made with `settings=`.
            DataModuleNotConfiguredError: it is not started, or was stopped meanwhile.
        """
        self._require_reloadable()
        async with self._lifecycle.reloading:
            self._require_reloadable()
            try:
                plan = await self._carry_out()
            except DataModuleError as error:
                log_refusal(error)
                self.telemetry.tell("reload", "refused")
                raise
        log_plan(plan)
        self.telemetry.tell("reload", "applied")
        return report_of(plan)

    def _require_reloadable(self) -> None:
        if not self.is_running:
            raise DataModuleNotConfiguredError(_NOT_RUNNING)
        if any(owner.sources is None for owner in self._owners):
            message = "was given in code, so there is no file that could have changed"
            raise ConfigError([Problem("argument", "settings", message, fix="DataModule()")])

    @property
    def _owners(self) -> Sequence[Reloading]:
        """The modules that share the engines, this one among them."""
        return self._lifecycle.owners

    async def _carry_out(self) -> ReloadPlan:
        before, registry = self.settings, self._lifecycle.registry
        plan = self._plan(before)
        self._check(plan)
        async with AsyncExitStack() as stack:
            opened: dict[str, Opened] = {}
            stack.callback(self._forget_refused, plan, before)
            for name in plan.swapped:
                opened[name] = await registry.open_beside(name, plan.settings.profiles[name])
                stack.push_async_callback(opened[name].close)
            self._commit(plan, registry, opened)
            stack.pop_all()
        log_new_warnings(plan.settings, before)
        return plan

    def _plan(self, before: DataSettings) -> ReloadPlan:
        """What a reload has to do now; nothing is done."""
        migrates = any(owner.has_migrations for owner in self._owners)
        return plan_reload(before, self._load_again(before), migrates=migrates)

    def _load_again(self, before: DataSettings) -> DataSettings:
        """The settings that the same sources give now, of the environment and with the secrets of the start."""
        sources = self.sources
        assert sources is not None  # noqa: S101 - `_require_reloadable` comes first
        found = load_request(sources)
        kept: dict[str, Any] = {}
        if found.environment != before.environment:
            kept["environment"] = before.environment
        if found.secrets_dir != before.secrets_dir:
            if before.secrets_dir is None:
                key = "secrets_dir"
                message = "cannot be added while the application runs: passwords may come from it"
                raise ConfigError([Problem(str(found.origin(key)), key, message, fix="restart the application")])
            kept["overrides"] = {"secrets_dir": before.secrets_dir}
        if not kept:
            return found
        again = load_request(replace(sources, **kept))
        said = {"environment": found.environment, "secrets_dir": found.secrets_dir}
        return again.model_copy(update=said)  # what was found, so that the report tells it; the plan keeps the old

    def _check(self, plan: ReloadPlan) -> None:
        """Refuse what would only fail later.

        Raises:
            ConfigError: a profile cannot be used, or the one that a module goes by is gone.
        """
        settings = plan.settings
        active = active_profiles(settings)
        settings.require_configuration()
        settings.require_engines(active)
        load_providers(settings)
        for owner in self._owners:
            resolve_profile(settings, owner.profile_asked_for)
        for name, profile in active.items():
            build_engine_options(name, profile)

    def _commit(self, plan: ReloadPlan, registry: EngineRegistry, opened: dict[str, Opened]) -> None:
        """From here on there is no way back, and nothing is waited for."""
        if not self.is_running or self._lifecycle.registry is not registry:
            raise DataModuleNotConfiguredError("the module was stopped while it was reloaded")
        for owner in self._owners:
            owner.use_settings(plan.settings)
        gone = (*plan.swapped, *plan.vanished)
        self.telemetry.forget((*gone, *plan.appeared))
        registry.exchange(active_profiles(plan.settings), opened, gone)
        for name in {change.path[1] for change in plan.changes if change.path[2:3] == ("slow",)}:
            self.telemetry.apply_slow(name, plan.settings.profiles[name].slow)
        self._lifecycle.generation += not plan.is_empty

    def _forget_refused(self, plan: ReloadPlan, before: DataSettings) -> None:
        """What engines that were refused have told of themselves."""
        for name in plan.swapped:
            self.telemetry.apply_slow(name, before.profiles[name].slow)

    @property
    def has_migrations(self) -> bool:
        """Whether migrations run, or are checked, at start."""
        return self._migrations != "off"

    @property
    def profile_asked_for(self) -> str | None:
        """The module's default profile as it was made with; None for that of the settings."""
        return self._profile

    def use_settings(self, settings: DataSettings) -> None:
        """Use other settings for what is asked for from now on."""
        self._settings = settings
        active = active_profiles(settings)
        self._factories = {key: factory for key, factory in self._factories.items() if factory.profile in active}
        for factory in self._factories.values():
            factory.use(active[factory.profile])

    def look_again(self) -> Sequence[Problem]:
        """What a load of the configuration finds now: its problems, or else its warnings."""
        try:
            return self._load().warnings
        except ConfigError as error:
            return error.problems

    def replace_settings(self, settings: DataSettings) -> None:
        """Use other settings for the engines that are opened from now on; for the test kit."""
        self._settings, self.sources = settings, None

    # -- what makes it reload ------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _reloads(self) -> AsyncIterator[None]:
        """Reload at SIGHUP and when a file changes, as `[data.reload]` says, while the block lasts."""
        if self.sources is None:
            yield
            return
        wanted = self.settings.reload
        tasks: set[asyncio.Task[None]] = set()

        def begin() -> None:
            task = asyncio.get_running_loop().create_task(self._reload_quietly())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        async with AsyncExitStack() as stack:
            stack.push_async_callback(_end, tasks)
            if wanted.sighup:
                stack.enter_context(reloaded_at_sighup(begin))
            if wanted.watch:
                tasks.add(asyncio.get_running_loop().create_task(self._watch(self.sources, wanted.interval)))
            yield

    async def _watch(self, sources: LoadRequest, interval: float) -> None:
        paths = partial(watched_paths, sources)
        known = state_of(paths(self.settings))
        if self._is_outdated():  # a file changed between the load and the start
            await self._reload_quietly()
        await watch(lambda: paths(self.settings), interval, self._reload_quietly, known)

    def _is_outdated(self) -> bool:
        """Whether the configuration says something else by now, or cannot be read any more."""
        try:
            return not self._plan(self.settings).is_empty
        except DataModuleError:
            return True

    async def _reload_quietly(self) -> None:
        """As `reload`, without a caller: each refusal stands in the log already."""
        with suppress(DataModuleError):
            await self.reload()


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    own = asyncio.current_task()
    ending = [task for task in tasks if task is not own]
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending)


def sources_of(files: Files | None, environment: str | None) -> LoadRequest:
    """What a module loads, as it stands: a process may change its directory later."""
    try:
        start: Path | None = Path.cwd()
    except OSError:  # it is gone
        start = None
    return LoadRequest(start, files, environment)
