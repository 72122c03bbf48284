"""The arithmetic of capacity: what is needed, whether it fits, and sizes that would (contract C11.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myfy_data import DatabaseSettings, DataSettings
from myfy_data.capacity import ServerCapacity, read_capacity
from myfy_data.capacity.demand import Pool, needed, processes
from myfy_data.capacity.sizes import sizes_that_fit
from myfy_data.engines.limits import ConnectionLimits
from myfy_data.settings.root_tables import CapacitySettings

SERVER = "db:5432"


class Servers:
    """Answers for each profile what it is told."""

    def __init__(self, **limits: list[ConnectionLimits]) -> None:
        self._limits = limits

    async def limits(self, profile: str) -> list[ConnectionLimits]:
        return self._limits[profile]


def profile(**settings: object) -> DatabaseSettings:
    return DatabaseSettings(**{"database_url": "postgresql+asyncpg://app@db/shop", **settings})


async def judge(
    limits: ConnectionLimits, capacity: dict[str, float] | None = None, **settings: object
) -> ServerCapacity:
    (server,) = await read_capacity(
        DataSettings(profiles={"main": profile(**settings)}, capacity=CapacitySettings(**(capacity or {}))),  # type: ignore[arg-type]  # numbers
        Servers(main=[limits]),
        ["main"],
    )
    return server


@pytest.mark.parametrize(
    ("instances", "workers", "surge", "count"),
    [(1, 1, 0.0, 1), (6, 4, 0.25, 30), (3, 1, 0.1, 4), (100, 1, 0.1, 110), (3, 3, 0.5, 14), (1, 1, 1.0, 2)],
)
def test_a_rolling_update_rounds_up_what_is_written(instances: int, workers: int, surge: float, count: int) -> None:
    assert processes(CapacitySettings(instances=instances, workers=workers, surge=surge)) == count


async def test_what_the_contract_says_is_computed() -> None:
    server = await judge(ConnectionLimits(SERVER, 97), {"instances": 6, "workers": 4, "surge": 0.25})

    assert (server.limit, server.needed, server.fits) == (97, 30 * 15 + 2, False)
    assert str(server) == "limit 97 of the server, 6 x 4 x 1.25 x (5 + 10) + 2, needs 452: too many"
    assert server.fix.startswith("pool_size = 3, max_overflow = 0 (30 x 3 + 2 = 92)")


async def test_a_limit_that_is_just_reached_fits() -> None:
    assert (await judge(ConnectionLimits(SERVER, 17))).fits
    assert not (await judge(ConnectionLimits(SERVER, 16))).fits


async def test_only_the_surge_makes_it_too_many() -> None:
    limits = ConnectionLimits(SERVER, 32)

    assert (await judge(limits, {"instances": 2})).fits
    assert not (await judge(limits, {"instances": 2, "surge": 0.5})).fits


async def test_the_lowest_limit_holds() -> None:
    role = await judge(ConnectionLimits(SERVER, 97, role=5, database=50))
    database = await judge(ConnectionLimits(SERVER, 97, database=10))

    assert (role.limit, role.of_limit, role.fix.partition(" (")[0]) == (
        5,
        "limit 5 of the role",
        "pool_size = 3, max_overflow = 0",
    )
    assert (database.limit, database.of_limit) == (10, "limit 10 of the database")


async def test_profiles_of_one_server_add_up_and_a_role_counts_its_own() -> None:
    settings = DataSettings(
        profiles={"main": profile(), "jobs": profile(database_url="postgresql+asyncpg://jobs@db/shop")}
    )
    limits = {name: [ConnectionLimits(SERVER, 30, role=20)] for name in ("main", "jobs")}

    (server,) = await read_capacity(settings, Servers(**limits), list(limits))

    assert (server.limit, server.needed, server.profiles) == (30, 32, ("main", "jobs"))
    assert "profiles.main.pool_size = 5" in server.fix
    assert "profiles.jobs.max_overflow = " in server.fix


async def test_a_pool_without_a_bound_never_fits() -> None:
    server = await judge(ConnectionLimits(SERVER, 97), max_overflow=-1)

    assert (server.needed, server.fits) == (None, False)
    assert "no limit, because max_overflow is -1" in str(server)
    assert server.fix.startswith("pool_size = 5, max_overflow = 0")


async def test_where_not_even_one_connection_fits_the_fix_is_another() -> None:
    server = await judge(ConnectionLimits(SERVER, 20), {"instances": 50})

    assert server.fix.startswith("fewer instances or workers, or a higher limit of connections")


async def test_behind_a_pooler_the_servers_limit_says_nothing() -> None:
    server = await judge(ConnectionLimits(SERVER, 10), pooler="pgbouncer")

    assert (server.limit, server.needed, server.fits) == (None, 17, True)


async def test_a_database_without_a_server_is_left_out() -> None:
    settings = DataSettings(profiles={"main": DatabaseSettings(database_url="sqlite://")})

    assert await read_capacity(settings, Servers(main=[]), ["main"]) == []


async def judge_several(**settings: object) -> dict[str, ServerCapacity]:
    """Two servers of `hosts` and a reader, each with room for 20."""
    url = {"database_url": "postgresql+asyncpg://app@/shop", "hosts": ["a:5432", "b:5432"]}
    several = DataSettings(profiles={"main": profile(**url, **settings)})
    limits = [ConnectionLimits(server, 20) for server in ("a:5432", "b:5432", "reader:5432")]
    servers = await read_capacity(several, Servers(main=limits), ["main"])
    return {server.server: server for server in servers}


async def test_each_of_several_servers_may_become_the_primary_and_has_a_monitor() -> None:
    servers = await judge_several(pool_size=10, max_overflow=8, reads={"hosts": ["reader"], "pool_size": 4})

    assert {name: (server.needed, server.fits) for name, server in servers.items()} == {
        "a:5432": (21, False),
        "b:5432": (21, False),
        "reader:5432": (7, True),
    }
    assert servers["a:5432"].fix.startswith("pool_size = 10, max_overflow = 7 (1 x 18 + 2 = 20)")
    assert str(servers["a:5432"]).endswith("1 x 1 x (10 + 8 + 1) + 2, needs 21: too many")


async def test_a_larger_pool_for_reads_counts_where_replicas_serve_them() -> None:
    asked = {"pool_size": 2, "max_overflow": 0}
    unused = await judge_several(**asked, reads={"pool_size": 18})
    used = await judge_several(**asked, reads={"pool_size": 18, "from": "prefer-replica"})

    assert (unused["a:5432"].needed, unused["a:5432"].fits) == (5, True)
    assert (used["a:5432"].needed, used["a:5432"].fits) == (21, False)
    assert used["a:5432"].fix.startswith("reads.pool_size = 17 (1 x 18 + 2 = 20)")


POOLS = st.lists(
    st.builds(Pool, st.just("main"), st.integers(1, 60), st.integers(-1, 60), st.integers(0, 2)), min_size=1, max_size=4
)


@given(POOLS, st.integers(1, 40), st.integers(3, 2000))
def test_sizes_that_fit_do_fit_and_none_is_larger_than_it_was(pools: list[Pool], count: int, limit: int) -> None:
    sizes = sizes_that_fit(pools, count, limit)
    one_each = count * (len(pools) + sum(pool.monitors for pool in pools)) + 2

    assert (sizes is None) == (one_each > limit)
    for pool, size in zip(pools, sizes or (), strict=False):
        assert 1 <= size.size <= pool.size
        assert size.overflow >= 0
        assert pool.overflow < 0 or size.size + size.overflow <= pool.size + pool.overflow
    if sizes is not None:
        wanted = needed(sizes, count)
        assert wanted is not None
        assert wanted <= limit
