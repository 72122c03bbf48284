"""Users that are dropped when their lease ends, as Vault's are: no connection outlives its own (contract C12.4)."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from myfy_data import CredentialRequest, Credentials, DatabaseSettings, DataModule, DataSettings
from myfy_data.engines.connect import backend
from myfy_data.engines.listeners import recycle_jitter
from tests.asyncio_servers import PATIENCE
from tests.servers import Server

LEASE = 3600.0
AGE = 0.9 * LEASE
"""What a provider asks for: less than its lease."""


@dataclass
class Vault:
    """Gives each who asks a user of their own, which is dropped when its lease has ended."""

    server: Server
    users: dict[str, float] = field(default_factory=dict)
    passed: float = 0.0

    def lease(self) -> Credentials:
        user, password = f"v_{secrets.token_hex(4)}", secrets.token_hex(8)
        self.server.execute(f"CREATE ROLE {user} LOGIN IN ROLE locked PASSWORD '{password}'")
        self.users[user] = self.passed + LEASE
        return Credentials(password, username=user, max_connection_age=AGE)

    def let_pass(self, seconds: float) -> None:
        """Time goes by, and whose lease ends by it is dropped."""
        self.passed += seconds
        for user in [user for user, end in self.users.items() if end <= self.passed]:
            self.server.execute(f"DROP ROLE {user}")
            del self.users[user]

    def monotonic(self) -> float:
        """The clock that connections age by."""
        return time.monotonic() + self.passed

    def time(self) -> float:
        """The clock that credentials age by."""
        return time.time() + self.passed


VAULTS: list[Vault] = []


async def leased(_: CredentialRequest) -> Credentials:
    """A provider, as an application would write it."""
    return await asyncio.to_thread(VAULTS[-1].lease)


@pytest.fixture
def vault(strict_postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    made = Vault(strict_postgresql)
    VAULTS.append(made)
    for module in (recycle_jitter, backend):
        monkeypatch.setattr(module, "time", made)
    yield made
    VAULTS.remove(made)
    made.let_pass(2 * LEASE)


@pytest.mark.postgresql
async def test_no_connection_outlives_the_lease_of_its_user(vault: Vault) -> None:
    url = vault.server.url("postgres").replace("postgres@", "")
    given = {"database_url": url, "credentials": f"{__name__}:leased", "pool_recycle": -1, "connect_timeout": PATIENCE}
    settings = DatabaseSettings(**given)
    async with DataModule(settings=DataSettings(profiles={"main": settings})) as data:
        [opened] = data.engine_gate.registry.engines_of("main")
        [handle] = opened.handles
        assert handle.backend.credentials is not None
        handle.backend.credentials.clock = vault.time
        served: set[str] = set()

        async def work(together: int) -> None:
            sessions = [data.get_session_factory().create_session() for _ in range(together)]
            for session in sessions:
                user = str(await session.scalar(text("SELECT current_user")))
                assert user in vault.users, "a connection outlived its lease"
                served.add(user)
            for session in sessions:
                await session.close()

        for turn in range(30):  # each a fifth of a lease, with one connection or with all: some are made late in it
            await work(1 + turn % 4)
            await asyncio.to_thread(vault.let_pass, LEASE / 5)
            await work(1)

    assert len(served) >= 5
