"""The server fixtures: a database of one's own, found or started, and honest when there is none."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import asyncpg
import pytest

from tests.own_servers import Started
from tests.servers import MYSQL, POSTGRESQL, Account, NoServerError, Server, ServerKind, account_of, throw_away_database

KINDS = pytest.mark.parametrize("kind", [POSTGRESQL, MYSQL], ids=lambda kind: kind.name)


def without_standing_server(kind: ServerKind) -> ServerKind:
    return replace(kind, variable="MYFY_TEST_NO_SUCH_VARIABLE", standing=list)


def nothing_installed() -> nullcontext[Started | None]:
    return nullcontext(None)


@KINDS
def test_a_server_that_we_start_ourselves_gives_a_database(kind: ServerKind) -> None:
    try:
        with without_standing_server(kind).server() as server, server.database() as url:
            account = account_of(url)
            server.execute("SELECT 1")
    except NoServerError as error:
        pytest.skip(str(error))

    assert account.port not in (5432, 3306)


async def test_the_database_is_gone_after_use(postgresql_url: str) -> None:
    server = Server(POSTGRESQL, account_of(postgresql_url))

    with server.database() as url:
        name = account_of(url).database

    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await POSTGRESQL.execute(replace(server.account, database=name), ["SELECT 1"])


@KINDS
def test_no_server_at_all_says_what_to_install(kind: ServerKind) -> None:
    bare = replace(without_standing_server(kind), own=nothing_installed)

    with pytest.raises(NoServerError, match="apt-get install"), bare.server():
        pass


@KINDS
def test_a_url_survives_the_way_to_an_account_and_back(kind: ServerKind) -> None:
    server = Server(kind, Account("127.0.0.1", 1234, "a@b", "p:/w@%", "db"))

    assert account_of(server.url("db")) == server.account


@KINDS
def test_without_a_server_a_test_is_skipped(kind: ServerKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MYFY_TEST_REQUIRE", raising=False)
    bare = replace(without_standing_server(kind), own=nothing_installed)

    with pytest.raises(pytest.skip.Exception, match=f"no {kind.name} server"), throw_away_database(bare):
        pass


@KINDS
def test_without_a_required_server_a_test_fails(kind: ServerKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MYFY_TEST_REQUIRE", "mysql,postgresql")
    bare = replace(without_standing_server(kind), own=nothing_installed)

    with pytest.raises(pytest.fail.Exception, match=f"no {kind.name} server"), throw_away_database(bare):
        pass
