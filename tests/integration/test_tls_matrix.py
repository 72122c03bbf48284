"""TLS fails closed: which certificate is taken in which mode, by which driver, and what the refusal says (H2, H10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from myfy_data.engines.connect.connect_errors import SWITCH_TLS_ON
from myfy_data.engines.registry import EngineRegistry
from myfy_data.errors import ConfigError, DatabaseConnectionError
from myfy_data.settings.database_settings import DatabaseSettings
from tests.asyncio_servers import PATIENCE
from tests.servers import required
from tests.tls_servers import (
    BAD_FOR_MYSQL,
    CERTIFICATES,
    EXPIRED,
    IS_MARIADB,
    OTHER_AUTHORITY,
    RIGHT,
    WRONG_NAME,
    Certificates,
    TLSServer,
    plain_mariadb,
    tls_mariadb,
    tls_postgresql,
)

MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
KINDS = ("postgresql", "mysql")

TAKEN = {
    "disable": frozenset(),
    "prefer": frozenset(CERTIFICATES),
    "require": frozenset(CERTIFICATES),
    "verify-ca": frozenset({RIGHT, WRONG_NAME}),
    "verify-full": frozenset({RIGHT}),
}
"""The certificates that a mode takes; `disable` looks at none."""

WORDS = {
    WRONG_NAME: "not valid for '127.0.0.1'",
    OTHER_AUTHORITY: "was not signed by an authority in",
    EXPIRED: "has expired",
}
FIXES = {
    WRONG_NAME: "connect by a name that stands in the certificate",
    OTHER_AUTHORITY: 'tls_ca = "/path/to/ca.crt"',
    EXPIRED: "renew the server's certificate",
}

CIPHER = {
    "postgresql": "SELECT ssl::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
}
"""Whether the server itself says that the connection is encrypted."""


@dataclass(frozen=True)
class Servers:
    """One server of each kind that offers TLS, URLs of servers that offer none, and those that show one certificate."""

    secured: dict[str, TLSServer]
    mariadb_without: str
    mysql_with: dict[str, TLSServer]

    def offering(self, kind: str, certificate: str) -> str:
        """The URL of a server that shows this certificate."""
        of_its_own = self.mysql_with.get(certificate) if kind == "mysql" else None
        server = of_its_own or self.secured[kind]
        server.show(certificate)
        return server.url()

    def without_tls(self, kind: str) -> str:
        """The URL of a server that offers no TLS."""
        if kind == "mysql":
            return self.mariadb_without
        server = self.secured[kind]
        server.show(None)
        return server.url()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def servers(certificates: Certificates) -> Iterator[Servers]:
    with ExitStack() as stack:
        with required("postgresql"):
            postgresql = stack.enter_context(tls_postgresql(certificates))
        with required("mysql"):
            mariadb = stack.enter_context(tls_mariadb(certificates))
            plain = stack.enter_context(plain_mariadb())
        others = () if IS_MARIADB else BAD_FOR_MYSQL
        mysql_with = {name: stack.enter_context(tls_mariadb(certificates, name)) for name in others}
        yield Servers({"postgresql": postgresql, "mysql": mariadb}, plain.url("mysql"), mysql_with)


@pytest.fixture(autouse=True)
async def closed_lines() -> AsyncIterator[None]:
    """Asyncio closes the socket below a TLS transport when the peer has closed it, or some turns of the loop later."""
    yield
    loop: Any = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        while len(loop._selector.get_map()) > 1:  # one is the loop's own
            await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)


async def is_encrypted(url: str, kind: str, **settings: Any) -> bool:
    """Connect, and ask the server whether the connection is encrypted."""
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, **settings)})
    try:
        async with registry.get("main").connect() as connection:
            return bool((await connection.exec_driver_sql(CIPHER[kind])).one()[-1])
    finally:
        await registry.close()


def said(mode: str, certificates: Certificates) -> dict[str, Any]:
    """The settings of a mode; our authority is named where the mode looks at it."""
    return {"tls": mode} | ({"tls_ca": certificates.authority} if mode.startswith("verify") else {})


def cells() -> Iterator[tuple[str, str, str]]:
    """Every cell of the matrix that can be asked for: by certificate, so that it changes seldom."""
    for certificate, kind, mode in product(CERTIFICATES, KINDS, MODES):
        if (kind, mode) != ("mysql", "prefer"):
            yield certificate, kind, mode


ACCEPTED = [cell for cell in cells() if cell[2] == "disable" or cell[0] in TAKEN[cell[2]]]
REFUSED = [cell for cell in cells() if cell not in ACCEPTED]


@pytest.mark.parametrize(("certificate", "kind", "mode"), ACCEPTED)
async def test_a_certificate_that_the_mode_takes(
    servers: Servers, certificates: Certificates, certificate: str, kind: str, mode: str
) -> None:
    url = servers.offering(kind, certificate)

    assert await is_encrypted(url, kind, **said(mode, certificates)) == (mode != "disable")


@pytest.mark.parametrize(("certificate", "kind", "mode"), REFUSED)
async def test_a_certificate_that_the_mode_refuses(
    servers: Servers, certificates: Certificates, certificate: str, kind: str, mode: str
) -> None:
    url = servers.offering(kind, certificate)

    with pytest.raises(DatabaseConnectionError) as caught:
        await is_encrypted(url, kind, **said(mode, certificates))

    told = str(caught.value)
    assert told.startswith(f"profile 'main': cannot connect to {caught.value.target}: the server's certificate ")
    assert WORDS[certificate] in caught.value.reason
    assert FIXES[certificate] in told.partition("\n  fix: ")[2]


@pytest.mark.parametrize(("kind", "mode"), [(kind, "disable") for kind in KINDS] + [("postgresql", "prefer")])
async def test_a_mode_that_goes_without_tls_where_none_is_offered(servers: Servers, kind: str, mode: str) -> None:
    assert not await is_encrypted(servers.without_tls(kind), kind, tls=mode)


@pytest.mark.parametrize(("kind", "mode"), list(product(KINDS, ("require", "verify-ca", "verify-full"))))
async def test_a_mode_that_refuses_a_server_without_tls(
    servers: Servers, certificates: Certificates, kind: str, mode: str
) -> None:
    with pytest.raises(DatabaseConnectionError, match="offers no TLS") as caught:
        await is_encrypted(servers.without_tls(kind), kind, **said(mode, certificates))

    assert str(caught.value).endswith(f"\n  fix: {SWITCH_TLS_ON}")


async def test_a_mariadb_that_lets_nobody_in_without_tls_says_so_in_the_fix(servers: Servers) -> None:
    """It gives the number of a wrong password. What the fix says lets us in."""
    url = servers.offering("mysql", RIGHT)
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, tls="require")})
    async with registry.get("main").connect() as connection:
        await connection.exec_driver_sql("SET GLOBAL require_secure_transport = 1")
        try:
            with pytest.raises(DatabaseConnectionError) as caught:
                await is_encrypted(url, "mysql", tls="disable")
            assert await is_encrypted(url, "mysql", tls="require")
        finally:
            await connection.exec_driver_sql("SET GLOBAL require_secure_transport = 0")
    await registry.close()

    # MariaDB 11.8 has a word for it, before it was the number of a wrong password.
    assert 'tls = "verify-full", or "require"' in str(caught.value)


async def test_prefer_is_refused_on_mysql_before_anything_is_opened(servers: Servers) -> None:
    with pytest.raises(ConfigError, match="'prefer' cannot be done safely on MySQL"):
        await is_encrypted(servers.mariadb_without, "mysql", tls="prefer")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_authorities_of_the_machine_do_not_know_ours(servers: Servers, kind: str) -> None:
    url = servers.offering(kind, RIGHT)

    with pytest.raises(DatabaseConnectionError, match="was not signed by an authority that this machine trusts"):
        await is_encrypted(url, kind, tls="verify-full")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_asks_for_our_certificate_gets_it(
    servers: Servers, certificates: Certificates, kind: str, tmp_path: Path
) -> None:
    url = servers.offering(kind, RIGHT)
    server = servers.secured[kind].server
    own = {"tls_cert": certificates.folder / "client.crt", "tls_key": certificates.folder / "client.key"}
    asked = {
        "postgresql": "SELECT (client_dn LIKE '%app%')::int FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        "mysql": CIPHER["mysql"],
    }
    if kind == "mysql":
        server.execute("CREATE USER certified REQUIRE X509")
        url = url.replace("root@", "certified@").removesuffix("mysql")
    registry = EngineRegistry({"main": DatabaseSettings(database_url=url, **said("verify-full", certificates), **own)})
    async with registry.get("main").connect() as connection:
        assert (await connection.exec_driver_sql(asked[kind])).one()[-1]
    await registry.close()
