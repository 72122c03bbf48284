"""The monitor of a profile with several servers: looks at each, and says who is primary (contract C11.3; ADR 32)."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from myfy_data.engines.cluster.progress import Progress
from myfy_data.engines.cluster.server import Server
from myfy_data.engines.cluster.status import HostStatus
from myfy_data.engines.cluster.succession import Sight, Succession, find_system, role_of, succeed
from myfy_data.engines.connect.connect_errors import other_failure
from myfy_data.engines.connect.look import Look
from myfy_data.errors import DatabaseConnectionError, closed_engine

logger: logging.Logger = logging.getLogger("myfy_data")

FLOOR = 0.5
"""Seconds between two looks at a server, however many errors users report."""

_JITTER = 0.1
"""Part of the heartbeat by which looks are spread, so that many processes do not ask at once."""

_LATE = 0.5
"""Part of the heartbeat by which a timer may be late before a look counts for nothing: this process was busy."""


class Monitor:
    """Looks at every server once a heartbeat, and at once after an error.

    Args:
        profile: the profile's name.
        servers: every server by address, in written order.
        heartbeat: seconds between two looks, and the deadline of one.
        on_change: called after each look, with the primary before and the servers whose role changed.
        readers: servers that are never the primary.

    Attributes:
        heartbeat: as the argument; may change.
        sights: what is known of each server.
        succession: who is primary.
        failovers: how often the primary was another one than before.
        last_primary: the present one, else the one before.
    """

    def __init__(
        self,
        profile: str,
        servers: Mapping[str, Server],
        heartbeat: float,
        on_change: Callable[[str | None, Mapping[str, str]], None],
        readers: frozenset[str] = frozenset(),
    ) -> None:
        self._profile = profile
        self._servers = servers
        self.heartbeat: float = heartbeat
        self._on_change = on_change
        self._readers = readers
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._began: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._doubts: dict[str, float] = {}
        self._progress = Progress()
        self._wake = asyncio.Event()
        self._system: str | None = None
        self.failovers: int = 0
        self.last_primary: str | None = None
        self._said: set[str] = set()
        self.sights: dict[str, Sight] = {}
        self.succession: Succession = Succession(None, "", (), frozenset())
        self._roles: dict[str, tuple[str, datetime]] = {}
        for address in servers:
            self._expect(address)

    # -- what it knows -----------------------------------------------------------------------------------------

    @property
    def is_settled(self) -> bool:
        """Whether every server was looked at once."""
        return all(sight.is_looked_at for sight in self.sights.values())

    def hosts(self) -> tuple[HostStatus, ...]:
        """Every server, in written order."""
        return tuple(self._host(address) for address in self._servers)

    def _host(self, address: str) -> HostStatus:
        role, since = self._roles[address]
        look = self.sights[address].present
        lag = look.lag if look is not None and role == "replica" else None
        error = self.sights[address].error or _reason(look, role) or None
        if role == "stranger" and look is not None and self._system is not None:
            error = f"system identifier {look.system}, expected {self._system}"
        if address in self._readers and role != "replica" and look is not None and look.is_primary:
            error = "takes writes, and stands in reads.hosts, which are never the primary"
        return HostStatus(address, role, lag, error, since)

    def role(self, address: str) -> str:
        """What a server is now."""
        return self._roles[address][0]

    def lag(self, address: str) -> float | None:
        """Seconds that a replica is behind; None when unknown."""
        look = self.sights[address].present
        return look.lag if look is not None else None

    def is_cut_off(self, address: str) -> bool:
        """Whether what is in use on a server that is left ends with it, because it would not refuse it."""
        look = self.sights[address].present
        return look is None or look.cut_off

    # -- its life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look, unless it does.

        Raises:
            DataModuleNotConfiguredError: it was stopped.
        """
        if self._is_stopped:
            raise closed_engine(self._profile)
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            # Not in the context of the request that happens to be the first.
            self._task = loop.create_task(self._run(), name=f"myfy_data monitor of {self._profile}", context=_context())

    async def stop(self) -> None:
        """End every look, for good."""
        self._is_stopped = True
        tasks = [task for task in (self._task, *self._looks.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    def adopt(self, heartbeat: float, readers: frozenset[str]) -> None:
        """Look as often as said, and at the servers that there are now; nothing is known of a new one."""
        self.heartbeat, self._readers = heartbeat, readers
        for gone in self.sights.keys() - self._servers.keys():
            for known in (self.sights, self._began, self._due, self._roles):
                del known[gone]
            self._doubts.pop(gone, None)
            if gone in self._looks:
                self._looks.pop(gone).cancel()
        for new in self._servers.keys() - self.sights.keys():
            self._expect(new)
        self._wake.set()

    def _expect(self, address: str) -> None:
        self._began[address] = self._due[address] = float("-inf")
        self.sights[address] = Sight()
        self._roles[address] = ("unknown", datetime.now(UTC))

    def look_soon(self, address: str) -> None:
        """Look at a server now, because a user of it met an error; at most every half a second."""
        if address not in self._due:  # a reload took it away
            return
        self._due[address] = min(self._due[address], self._began[address] + min(FLOOR, self.heartbeat))
        self._wake.set()

    def doubt(self, address: str) -> None:
        """As `look_soon`, because it refused a write."""
        if address in self._due:
            self._doubts[address] = asyncio.get_running_loop().time()
        self.look_soon(address)

    @property
    def is_in_doubt(self) -> bool:
        """Whether the primary has refused a write, and was not looked at since; a further write may wait."""
        return self.succession.primary in self._doubts

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                for address in self._servers:
                    if address not in self._looks and self._due[address] <= loop.time():
                        self._begin(address)
                await self._until(min((due for a, due in self._due.items() if a not in self._looks), default=None))
        finally:
            for task in self._looks.values():
                task.cancel()

    async def _until(self, due: float | None) -> None:
        try:
            async with asyncio.timeout_at(due):
                await self._wake.wait()
        except TimeoutError:
            pass

    def _begin(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._began[address] = now
        self._due[address] = now + self.heartbeat * (1 + random.random() * _JITTER)  # noqa: S311 - no secret
        self._looks[address] = loop.create_task(self._look(address), context=_context())

    async def _look(self, address: str) -> None:
        sight = self.sights[address]
        deadline = asyncio.get_running_loop().time() + self.heartbeat
        try:
            async with asyncio.timeout_at(deadline):
                look = await self._servers[address].look()
            found = sight.seen(self._compared(address, look))
        except TimeoutError as error:
            late = asyncio.get_running_loop().time() - deadline
            if late > _LATE * self.heartbeat and not isinstance(error, DatabaseConnectionError):
                self._end(address, again=True)
                return
            found = sight.missed(f"no answer within {self.heartbeat:g} s")
        except Exception as error:  # noqa: BLE001 - whatever it is, the server did not tell its role
            found = sight.missed(_words(error))
        self._end(address)
        self._apply(address, found)

    def _compared(self, address: str, look: Look) -> Look:
        """A look at a replica, with its lag by what the primary had, where that is more than it says of itself."""
        if look.lag is None or address == self.succession.primary:
            return look
        behind = self._progress.behind(look, self._began[address], asyncio.get_running_loop().time())
        return replace(look, lag=max(look.lag, behind))

    def _end(self, address: str, *, again: bool = False) -> None:
        self._looks.pop(address, None)
        if again:
            self._due[address] = float("-inf")
        self._wake.set()

    # -- what follows from a look ------------------------------------------------------------------------------

    def _apply(self, address: str, sight: Sight) -> None:
        before = self.succession
        self.sights[address] = sight
        if self._began[address] >= self._doubts.get(address, float("inf")):
            del self._doubts[address]
        if self._system is None and self.is_settled:
            self._system = find_system(self.sights)
        self.succession = now = succeed(before.primary, self.sights, self._system, self._readers)
        self.failovers += now.primary is not None and self.last_primary not in (None, now.primary)
        self.last_primary = now.primary or self.last_primary
        if address == now.primary and sight.present is not None:
            self._progress.note(sight.present, asyncio.get_running_loop().time())
        if before.primary is not None and now.primary is None:  # one of the others may be the primary by now
            for other in self._servers:
                self.look_soon(other)
        changed = self._note_roles()
        self._tell(before, now)
        if sight.look is not None and sight.look.hint:
            self._say_once(f"{address}: how far it is behind cannot be seen by this account", sight.look.hint)
        self._on_change(before.primary, changed)

    def _note_roles(self) -> dict[str, str]:
        changed: dict[str, str] = {}
        for address in self.sights:
            role = role_of(address, self.sights, self.succession)
            if role != self._roles[address][0]:
                changed[address] = role
                self._roles[address] = (role, datetime.now(UTC))
        return changed

    def _tell(self, before: Succession, now: Succession) -> None:
        if now.primary != before.primary:
            level = logging.INFO if before.primary is None and now.primary is not None else logging.WARNING
            what = f"{now.primary} is the primary" if now.primary is not None else "there is no primary"
            logger.log(level, "profile %r: %s: %s", self._profile, what, now.why)
        if len(now.rivals) > 1 and set(now.rivals) != set(before.rivals):
            told = ", ".join(f"{one} ({self._timeline(one)})" for one in now.rivals)
            using = f"using {now.primary}" if now.primary is not None else "using none of them"
            logger.error("profile %r: %d servers take writes: %s; %s", self._profile, len(now.rivals), told, using)
        for stranger in now.strangers - before.strangers:
            logger.error("profile %r: %s belongs to another cluster, and is not used", self._profile, stranger)

    def _timeline(self, address: str) -> str:
        look = self.sights[address].look
        known = look.timeline if look is not None else None
        return f"timeline {known}" if known is not None else "timeline unknown"

    def _say_once(self, what: str, fix: str) -> None:
        if what not in self._said:
            self._said.add(what)
            logger.warning("profile %r: %s\n  fix: %s", self._profile, what, fix)


def _reason(look: Look | None, role: str) -> str:
    """Why a server that answered is what it is, where its role does not tell."""
    if look is None or role == "primary":
        return ""
    return "takes writes, as another server does" if look.is_primary and role != "replica" else look.reason


def _context() -> contextvars.Context:
    return contextvars.Context()


def _words(error: Exception) -> str:
    return error.reason if isinstance(error, DatabaseConnectionError) else other_failure(error, None).reason
