"""Sizes that would fit: what is left of a limit, shared among pools by what they ask for (contract C11.7)."""

from __future__ import annotations

from dataclasses import replace

from myfy_data.capacity.demand import MIGRATIONS, Pool
from myfy_data.origins import format_key

TOO_MANY_PROCESSES: str = "fewer instances or workers, or a higher limit of connections"
"""What to do where no sizes fit."""


def sizes_that_fit(pools: list[Pool], count: int, limit: int) -> list[Pool] | None:
    """The same pools, none larger than it is, so that all together fit; None when not even one connection each does."""
    left = (limit - MIGRATIONS) // count - sum(pool.monitors for pool in pools) - len(pools)
    if left < 0:
        return None
    asked = [pool.size + max(pool.overflow, 0) - 1 for pool in pools]
    total = max(sum(asked), 1)
    return [_shrunk(pool, 1 + min(more, left * more // total)) for pool, more in zip(pools, asked, strict=True)]


def _shrunk(pool: Pool, most: int) -> Pool:
    size = min(pool.size, most)
    return replace(pool, size=size, overflow=most - size)


def _keys(pool: Pool) -> list[tuple[tuple[str, ...], int]]:
    if pool.reads:
        return [(("reads", "pool_size"), pool.size)]
    return [(("pool_size",), pool.size), (("max_overflow",), pool.overflow)]


def written(pools: list[Pool]) -> str:
    """Settings as TOML writes them, the only profile's as flat keys."""
    above = (lambda _: ()) if len(pools) == 1 else (lambda pool: ("profiles", pool.profile))
    said = [f"{format_key((*above(pool), *key))} = {value}" for pool in pools for key, value in _keys(pool)]
    return ", ".join(said)
