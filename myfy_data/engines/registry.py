"""The live engines of one module: opened at first use, one for each profile, event loop and process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from myfy_data.engines.cluster.cluster import OpenCluster
from myfy_data.engines.cluster.status import ClusterStatus, alone
from myfy_data.engines.cross_loop_close import close_in_its_loop
from myfy_data.engines.draining import Draining, Opened, lead_to_present
from myfy_data.engines.factory import OpenEngine, open_engine_handle
from myfy_data.engines.limits import ConnectionLimits, ask_limits
from myfy_data.engines.live_settings import adopt_settings
from myfy_data.engines.ping import ask_beside_the_pool, ask_kept, ask_over_the_pool, no_answer
from myfy_data.engines.pool.loop_affinity import running_loop
from myfy_data.engines.pool.status import PingResult, PoolStatus, build_status, pool_size
from myfy_data.errors import ConfigError, DataModuleError, Problem, UnknownProfileError, closed_engine
from myfy_data.settings.database_settings import DatabaseSettings
from myfy_data.settings.servers import has_several_servers, one_server, server_addresses
from myfy_data.suggestions import listed, nearest

T = TypeVar("T")

OPENED_AT_ONCE = 10
"""Connections that a warm-up opens at the same time; servers fork or log in slowly under a storm."""

_FOREIGN: list[Opened] = []
"""Engines that a forked child inherited. Kept, never touched: even collecting them would close the parent's sockets."""


class EngineRegistry:
    """Opens engines when they are asked for, and closes them all.

    Args:
        profiles: the settings of each profile.
        on_engine: called with profile and engine for each engine that opens (contract C4).

    Attributes:
        on_open: called with each engine that opens, before anything is sent by it.
        draining: engines that a reload has replaced.
    """

    def __init__(
        self, profiles: Mapping[str, DatabaseSettings], on_engine: Callable[[str, AsyncEngine], None] | None = None
    ) -> None:
        self._profiles = profiles
        self._on_engine = on_engine
        self._engines: dict[str, list[Opened]] = {}
        self.on_open: Callable[[OpenEngine], None] | None = None
        self._asked: list[Opened] = []
        self.draining: Draining = Draining(_close, self._is_asked)
        self._lock = threading.Lock()  # loops of several threads may share one registry
        self._is_closed = False

    def get(
        self, profile: str, *, read_only: bool = False, read_from: str | None = None, after: str | None = None
    ) -> AsyncEngine:
        """The profile's engine for the running loop; opened at first use, connected when it is used.

        Outside any loop: an engine that belongs to the first loop that uses it.

        Args:
            profile: the profile's name.
            read_only: let the server refuse what the engine's connections write (contract C5.10).
            read_from: which of several servers to read from: `primary` or `replica`; as the profile says when None.
            after: a token of what reads must find (contract C11.4).

        Raises:
            UnknownProfileError: there is no such profile.
            ConfigError: the profile is inactive, or its settings cannot work together.
            MissingDriverError: its driver is not installed.
            DatabaseConnectionError: a certificate file cannot be read.
            DataModuleNotConfiguredError: the registry was closed.
        """
        return self._get(profile).engine_for(read_only=read_only, read_from=read_from, after=after)

    def engines_of(self, profile: str) -> tuple[Opened, ...]:
        """What is open for a profile: one engine for each loop, in the order of their opening."""
        return tuple(self._engines.get(profile, ()))

    def _get(self, profile: str) -> Opened:
        loop = running_loop()
        for opened in self._engines.get(profile, ()):
            if opened.loop_affinity.is_bound_to(loop):
                return opened
        return self._adopt_or_open(profile, loop)

    def _adopt_or_open(self, profile: str, loop: asyncio.AbstractEventLoop | None) -> Opened:
        with self._lock:
            if self._is_closed:  # an engine opened now would never be closed
                raise closed_engine(profile)
            self._drop_gone()
            for opened in self._engines.get(profile, ()):
                if opened.loop_affinity.is_bound_to(loop) or opened.loop_affinity.is_unbound:
                    opened.loop_affinity.bind(loop)
                    return opened
            opened = self._open(profile, self._settings(profile))
            if self.on_open is not None and isinstance(opened, OpenEngine):
                self.on_open(opened)
            self._engines.setdefault(profile, []).append(opened)
        if self._on_engine is not None and isinstance(opened, OpenEngine):
            self._on_engine(profile, opened.engine)
        return opened

    # -- a reload ------------------------------------------------------------------------------------------------

    async def open_beside(self, profile: str, settings: DatabaseSettings) -> Opened:
        """Open an engine that is handed out only after `exchange`, and ask its server; one that fails is closed.

        Raises:
            DataModuleError: its server did not answer, or it cannot be opened.
        """
        opened = self._open(profile, settings)
        try:
            if self._on_engine is not None and isinstance(opened, OpenEngine):
                self._on_engine(profile, opened.engine)
            await self._ask(opened, settings, ask_over_the_pool)
        except BaseException:
            await opened.close()
            raise
        return opened

    def exchange(
        self, profiles: Mapping[str, DatabaseSettings], opened: Mapping[str, Opened], changed: Iterable[str]
    ) -> None:
        """Use other settings, and these engines in place of those that are there: at once, or not at all.

        Args:
            profiles: the settings of each profile.
            opened: what `open_beside` gave, by profile.
            changed: profiles whose engines are replaced; by the next one that is asked for, where none is in `opened`.

        Raises:
            DataModuleNotConfiguredError: the registry was closed.
        """
        with self._lock:
            if self._is_closed:
                raise closed_engine(next(iter(changed), ""))
            self._drop_gone()
            self._profiles = profiles
            left = [each for name in changed for each in self._engines.pop(name, ())]
            for name, new in opened.items():
                self._engines[name] = [new]
        for old in left:
            lead_to_present(old, partial(self._get, old.profile))
            self.draining.begin(old)
        for new in opened.values():
            if self.on_open is not None and isinstance(new, OpenEngine):
                self.on_open(new)
        for name, every in list(self._engines.items()):
            for present in every if name not in opened else ():
                present.loop_affinity.call_there(partial(_adopt, present, profiles[name]))

    def _tell(self, profile: str, opened: OpenEngine) -> None:
        """Tell of the engine of one of a profile's servers."""
        if self.on_open is not None:
            self.on_open(opened)
        if self._on_engine is not None:
            self._on_engine(profile, opened.engine)

    def _open(self, profile: str, settings: DatabaseSettings) -> Opened:
        """An engine; that of several servers tells itself of each that it opens."""
        if has_several_servers(settings):
            return OpenCluster(profile, settings, partial(self._tell, profile))
        return open_engine_handle(profile, settings)

    def _settings(self, profile: str) -> DatabaseSettings:
        settings = self._profiles.get(profile)
        key = f"profiles.{profile}"
        if settings is None:
            near = nearest(profile, self._profiles)
            fix = f"use {near!r}" if near else f"declare it: [data.profiles.{profile}]"
            message = f"is not declared; declared: {listed(self._profiles)}"
            raise UnknownProfileError([Problem("", key, message, fix=fix, kind="unknown_profile")])
        if not settings.active:
            message = "is false, so the profile is never opened"
            raise ConfigError([Problem("", f"{key}.active", message, fix="active = true")])
        return settings

    def _drop_gone(self) -> None:
        """Let go of engines whose loop is closed or whose process was another one."""
        for profile, every in list(self._engines.items()):
            kept = []
            for opened in every:
                if opened.loop_affinity.is_forked:
                    _FOREIGN.append(opened)
                elif opened.loop_affinity.is_loop_closed:
                    opened.abandon()
                else:
                    kept.append(opened)
            self._engines[profile] = kept

    @property
    def opened(self) -> list[OpenEngine]:
        """Every engine of this process that is open, of all event loops."""
        every = [opened for engines in list(self._engines.values()) for opened in engines]
        return [handle for opened in every if not opened.loop_affinity.is_forked for handle in opened.handles]

    def known_clusters(self) -> list[tuple[str, ClusterStatus]]:
        """What is known of every profile with several servers that is open; of several loops, what the first knows."""
        firsts = {profile: engines[0] for profile, engines in list(self._engines.items()) if engines}
        return [(profile, each.status()) for profile, each in firsts.items() if isinstance(each, OpenCluster)]

    def cluster_status(self, profile: str, role: str = "unknown") -> ClusterStatus:
        """What is known of a profile's servers, for the running loop; one alone is not watched, and has the given role.

        Raises:
            UnknownProfileError: there is no such profile.
            DataModuleNotConfiguredError: the registry was closed.
        """
        if self._is_closed:
            raise closed_engine(profile)
        settings = self._settings(profile)
        opened = self._get(profile) if has_several_servers(settings) else None
        return opened.status() if isinstance(opened, OpenCluster) else alone(settings, role)

    def status(self, profile: str) -> PoolStatus:
        """What the profile's pool is doing: the running loop's, outside any loop the sum of all. Opens nothing.

        Raises:
            UnknownProfileError: there is no such profile.
        """
        settings = self._profiles.get(profile) or self._settings(profile)
        loop = running_loop()
        here = [
            opened
            for opened in self._engines.get(profile, ())
            if not opened.loop_affinity.is_forked and (loop is None or opened.loop_affinity.is_bound_to(loop))
        ]
        size = max((opened.size for opened in here), default=pool_size(settings))
        return build_status(profile, size, (pool for opened in here for pool in opened.pools))

    async def ping(self, profile: str, *, seconds: float | None = None) -> PingResult:
        """Ask over the pool for the server's version and whether it takes writes, within `connect_timeout`.

        Args:
            profile: the profile's name.
            seconds: to wait for a primary of several servers; `failover_timeout` when None.

        Raises:
            DatabaseConnectionError: it did not answer.
            DatabaseTimeoutError: it took us in, and did not answer within a `command_timeout` that is shorter.
            PoolExhausted: every connection is in use.
        """
        return await self._within_bounds(profile, ask_over_the_pool, seconds)

    async def probe(self, profile: str) -> PingResult:
        """As `ping`, over a connection of its own: a pool that is busy is no dead server.

        A database in memory is this process's own, so there is nothing that could fail to answer.

        Raises:
            DatabaseConnectionError: it did not answer.
        """
        return await self._within_bounds(profile, ask_beside_the_pool, self._settings(profile).connect_timeout)

    async def look(self, profile: str) -> PingResult:
        """As `probe`, over a connection that is kept for it; what load balancers ask every second (contract C12.1).

        Raises:
            DatabaseConnectionError: it did not answer.
        """
        return await self._within_bounds(profile, ask_kept)

    async def limits(self, profile: str) -> list[ConnectionLimits]:
        """How many connections each of the profile's servers takes, asked beside the pools; none for SQLite.

        Raises:
            DatabaseConnectionError: it did not answer.
        """
        settings = self._settings(profile)
        if not has_several_servers(settings):
            told = await self._within_bounds(profile, ask_limits)
            return [told] if told is not None else []
        each = {f"{profile} at {address}": one_server(settings, address) for address in server_addresses(settings)}
        registry = EngineRegistry(each)
        try:
            return [limits for name in each for limits in await registry.limits(name)]
        finally:
            await registry.close()

    async def present_settings(self, profile: str) -> DatabaseSettings:
        """The profile as if the server that its sessions come to now were its only one (contract C11.5).

        Raises:
            ClusterError: none of several servers could serve within `failover_timeout`.
        """
        return (await self._get(profile).present()).settings

    async def _within_bounds(
        self, profile: str, ask: Callable[[OpenEngine], Awaitable[T]], seconds: float | None = None
    ) -> T:
        return await self._ask(self._get(profile), self._settings(profile), ask, seconds)

    async def _ask(
        self,
        opened: Opened,
        settings: DatabaseSettings,
        ask: Callable[[OpenEngine], Awaitable[T]],
        seconds: float | None = None,
    ) -> T:
        self._asked.append(opened)
        try:
            present = await opened.present(seconds)
            try:
                async with asyncio.timeout(settings.connect_timeout):
                    return await ask(present)
            except (SQLAlchemyError, OSError) as error:
                if isinstance(error, DataModuleError):
                    raise
                raise no_answer(present, settings, error) from error
        finally:
            self._asked.remove(opened)

    def _is_asked(self, opened: Opened) -> bool:
        return any(each is opened for each in self._asked)

    async def warm_up(self, profile: str) -> None:
        """Open `pool_size` connections at once, so that the first requests need not.

        Raises:
            DatabaseConnectionError: one of them could not be opened.
        """
        engine = self.get(profile)
        limit = asyncio.Semaphore(OPENED_AT_ONCE)
        async with AsyncExitStack() as stack:

            async def check_out() -> None:
                async with limit:
                    await stack.enter_async_context(engine.connect())

            size = pool_size(self._settings(profile))
            results = await asyncio.gather(*(check_out() for _ in range(size)), return_exceptions=True)
            for result in results:
                if result is not None:
                    raise result

    async def close(self) -> None:
        """Close every engine of this process, the last opened first, each within its `close_timeout`; open none again.

        All of them are closed, even when one fails or the caller is cancelled; then that is raised.
        """
        with self._lock:
            self._is_closed = True
            self._drop_gone()
            present = [opened for engines in self._engines.values() for opened in engines]
            left = [opened for opened in self.draining.take_all() if not _is_foreign(opened)]
            every = sorted((*left, *present), key=_opened_at)
            self._engines.clear()
        async with AsyncExitStack() as stack:
            for opened in every:
                stack.push_async_callback(_close, opened)


def _adopt(opened: Opened, settings: DatabaseSettings) -> None:
    for handle, its in opened.adopt(settings) if isinstance(opened, OpenCluster) else [(opened, settings)]:
        adopt_settings(handle, its)


def _is_foreign(opened: Opened) -> bool:
    """Whether a forked child inherited an engine; then it is kept, and not touched."""
    if opened.loop_affinity.is_forked:
        _FOREIGN.append(opened)
    return opened.loop_affinity.is_forked


def _opened_at(opened: Opened) -> float:
    return opened.opened_at


async def _close(opened: Opened) -> None:
    loop = opened.loop_affinity.loop
    if loop is None or loop is asyncio.get_running_loop():
        await opened.close()
    elif loop.is_running():  # in another thread
        await close_in_its_loop(opened, loop)
    else:
        opened.abandon()
